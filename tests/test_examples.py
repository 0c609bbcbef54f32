"""The one-liners about tables in docs/API.md, and what other programs ask by docs/CLIENTS.md, as they stand there."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import duckdb
import jinja2
import pytest

from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import get_json, wait_for_samples

TABLE = (ROOT / "docs/API.md").read_text().partition("### A table\n")[2].partition("\n### ")[0]
EXAMPLES = dict(re.findall(r"^```(\w+)\n(.*?)```", TABLE, re.MULTILINE | re.DOTALL))

# `make test` has to do with Python and make alone, and curl comes from no package of Python's.
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has recorded something."""
    with Service(tmp_path_factory.mktemp("examples"), "--name", "box") as running:
        wait_for_samples(running, 1)
        yield running


def example(language: str, service: Service) -> str:
    """The example, asking the service of the test, at a step of its own."""
    text: str = EXAMPLES[language]
    return text.replace("http://localhost:8080/", service.url)


@needs_curl
def test_curl_saves_a_table_under_its_name(service: Service, tmp_path: Path) -> None:
    subprocess.run(example("sh", service), shell=True, cwd=tmp_path, capture_output=True, check=True)  # noqa: S602 - a command of ours

    (saved,) = tmp_path.glob("box-*Z-*Z.csv")
    assert saved.read_text().startswith("time,cpu,min,max,count,user,system,irq,iowait,steal,gap\n")


def test_pandas_reads_a_table(service: Service) -> None:
    names: dict[str, object] = {}
    exec(example("python", service), names)  # noqa: S102 - an example of ours

    assert list(getattr(names["frame"], "columns", ())) == ["cpu", "gap"]


@needs_curl
def test_duckdb_asks_a_table(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command, query = example("sql", service).split("\n", 1)
    subprocess.run(command.removeprefix("-- "), shell=True, check=True)  # noqa: S602 - a command of ours

    hours = duckdb.connect().execute(query).fetchall()
    assert hours
    assert all(0 <= cpu <= 100 for _, cpu in hours)


def test_home_assistant_has_the_newest_value(service: Service) -> None:
    (template,) = re.findall(r'value_template: "(.*)"', (ROOT / "docs/CLIENTS.md").read_text())
    now = get_json(service, "api/now")

    render = jinja2.Environment(autoescape=True).from_string(template).render
    assert render(value_json=now) == str(now["cpu"])
    assert render(value_json={**now, "age": 61}) == "None"


def test_grafana_s_ends_of_a_span_are_taken(service: Service) -> None:
    (address,) = re.findall(
        r"^http://localhost:8080/(api/history\S+)$", (ROOT / "docs/CLIENTS.md").read_text(), re.MULTILINE
    )
    ends = {"${__from:date:iso}": "2026-01-31T12:00:00.000Z", "${__to:date:iso}": "2099-01-31T12:00:00.999Z"}
    for name, end in ends.items():
        address = address.replace(name, end)
    with urlopen(service.url + address, timeout=TIMEOUT_S) as answer:
        table = answer.read().decode()

    assert table.startswith("time,cpu,")
