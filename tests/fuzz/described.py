"""Asks what the description of the API allows and what it does not, by schemathesis."""

import subprocess
import sys
from pathlib import Path

from tests.service import ROOT, Service

CONFIG = Path(__file__).with_name("schemathesis.toml")
TIMEOUT_S = 600


def ask_as_described(service: Service, examples: int) -> tuple[int, str]:
    """Ask so often for each address; 0 if every answer is one that the description allows, and what was found."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", "--no-color"]
    done = subprocess.run(
        [*command, f"{service.url}api/openapi.json", "--url", service.url, "--max-examples", str(examples)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
