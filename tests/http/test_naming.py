"""Names that nobody wants cost nothing."""

import subprocess
import sys

import pytest

from tests.service import ROOT, TIMEOUT_S

STARTED = """
import asyncio, sys
from pathlib import Path
from aiohttp import web
from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app

async def main():
    runner = web.AppRunner(create_app(load_settings(["--db", sys.argv[1], "--top", sys.argv[2]], {})))
    await runner.setup()
    print(*sorted(name for name in sys.modules if name.startswith("cpusensor.")))
    await runner.cleanup()

asyncio.run(main())
"""

READING = {"cpusensor.recording.blaming", "cpusensor.kernel.accounts", "cpusensor.kernel.processes"}


@pytest.mark.parametrize(("top", "imported"), [("off", set()), ("all", READING)])
def test_what_reads_names_is_imported_only_where_it_is_wanted(
    tmp_path_factory: pytest.TempPathFactory, top: str, imported: set[str]
) -> None:
    database = tmp_path_factory.mktemp(top) / "cpu.db"
    command = [sys.executable, "-c", STARTED, str(database), top]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)

    assert set(done.stdout.split()) & READING == imported
