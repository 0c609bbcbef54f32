"""The files in deploy/, each put to use by the program that it is for; skipped where that is not installed."""

import http.client
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

import pytest

from tests.proxy import PROXIES, site
from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import get_json

UNIT = ROOT / "deploy" / "cpusensor.service"
EXPOSURE_LIMIT = 2.0

# Only systemd itself can judge a unit, and it comes with the system: `make proxies` brings it where it may.
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze: `make proxies` brings it, as root on Debian"
)


@needs_systemd
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace("/opt/cpusensor/.venv/bin/python", sys.executable))

    done = subprocess.run(["systemd-analyze", "verify", installed], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_unit_is_hardened() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    level = re.search(r"Overall exposure level for cpusensor\.service: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= EXPOSURE_LIMIT


def test_the_unit_starts_what_make_install_makes() -> None:
    (command,) = re.findall("^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    python, server = (Path(part).relative_to("/opt/cpusensor") for part in command.split())

    assert str(python) == ".venv/bin/python"
    assert (ROOT / server).is_file()


def test_the_container_may_do_nothing_but_record() -> None:
    compose, image = ((ROOT / name).read_text() for name in ("deploy/compose.yaml", "Dockerfile"))

    for line in ("read_only: true", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]', "pids_limit: 64"):
        assert f"\n    {line}" in compose
    assert re.findall(r"- (\S+:8080)\b", compose) == ["127.0.0.1:8080:8080"]
    assert "\nUSER 10001:10001\n" in image


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("deploy")) as running:
        yield running


@pytest.fixture(params=PROXIES)
def proxied(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Iterator[str]:
    """The address of a site that has the service under /cpu/."""
    with site(request.param, service, tmp_path) as address:
        yield address


def test_the_path_without_its_slash_leads_to_the_page(proxied: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(proxied).netloc, timeout=TIMEOUT_S)
    connection.request("GET", "/cpu")
    answer = connection.getresponse()
    connection.close()

    assert answer.status == 308
    assert urljoin(proxied, answer.headers["Location"]) == proxied + "cpu/"


def test_all_that_the_page_asks_for_is_under_its_path(proxied: str) -> None:
    page = proxied + "cpu/"
    with urlopen(page, timeout=TIMEOUT_S) as answer:
        addresses = [urljoin(page, found) for found in re.findall(r'(?:href|src)="([^"]*)"', answer.read().decode())]

    assert len(addresses) >= 10
    assert [address for address in addresses if not address.startswith(page)] == []


def test_an_event_comes_through_when_it_is_sent(proxied: str, service: Service) -> None:
    with (
        urlopen(proxied + "cpu/events", timeout=TIMEOUT_S) as stream,
        urlopen(service.url + "events", timeout=TIMEOUT_S) as direct,
    ):
        ids_of(stream, 1)
        newest = ids_of(direct, 3)[-1]
        get_json(service, "api/now")  # by its answer the event is sent to all
        service.freeze()

        # Nothing comes after it that could push it out of a buffer.
        while ids_of(stream, 1) != [newest]:
            pass
    service.thaw()


def ids_of(stream: IO[bytes], count: int) -> list[bytes]:
    """The ids of so many further events."""
    ids: list[bytes] = []
    while len(ids) < count:
        line = stream.readline()
        assert line, "the stream has ended"
        if line.startswith(b"id: "):
            ids.append(line)
    return ids
