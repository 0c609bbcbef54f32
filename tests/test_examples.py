"""The one-liners of docs/API.md, run as they stand there."""

import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.service import ROOT, Service
from tests.waiting import wait_for_samples

EXAMPLES = dict(re.findall(r"^```(\w+)\n(.*?)```", (ROOT / "docs/API.md").read_text(), re.MULTILINE | re.DOTALL))

# `make test` has to do with Python and make alone, and curl comes from no package of Python's.
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def example(language: str, service: Service) -> str:
    """The example, asking the service of the test, at a step of its own."""
    text: str = EXAMPLES[language]
    return text.replace("http://localhost:8080/", service.url)


@needs_curl
def test_curl_saves_a_table_under_its_name(tmp_path: Path) -> None:
    with Service(tmp_path, "--name", "box") as service:
        wait_for_samples(service, 1)
        subprocess.run(example("sh", service), shell=True, cwd=tmp_path, capture_output=True, check=True)  # noqa: S602 - a command of ours

    (saved,) = tmp_path.glob("box-*Z-*Z.csv")
    assert saved.read_text().startswith("time,cpu,min,max,count,user,system,irq,iowait,steal,gap\n")


def test_pandas_reads_a_table(tmp_path: Path) -> None:
    names: dict[str, object] = {}
    with Service(tmp_path) as service:
        wait_for_samples(service, 1)
        exec(example("python", service), names)  # noqa: S102 - an example of ours

    assert list(getattr(names["frame"], "columns", ())) == ["cpu", "gap"]


@needs_curl
def test_duckdb_asks_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Service(tmp_path) as service:
        wait_for_samples(service, 1)
        command, query = example("sql", service).split("\n", 1)
        subprocess.run(command.removeprefix("-- "), shell=True, check=True)  # noqa: S602 - a command of ours

    hours = duckdb.connect().execute(query).fetchall()
    assert hours
    assert all(0 <= cpu <= 100 for _, cpu in hours)
