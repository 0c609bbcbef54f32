"""The process as people run it: what it prints, how it refuses, how it ends. Real time, real signals."""

import json
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.bench.attack import send_malformed
from tests.conftest import Certificate
from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import get_json, wait_for_samples, wait_until_clock

HOUR = "api/history?range=1h&step=1"
MISSED_S = 2
"""So long nothing is recorded: at least one slot stays empty."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


def run(*flags: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """server.py with flags that it will refuse."""
    command = [sys.executable, str(ROOT / "server.py"), *flags]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def assert_one_line(done: "subprocess.CompletedProcess[str]", status: int, said: str) -> None:
    assert done.returncode == status
    assert done.stdout == ""
    assert re.fullmatch(f"cpusensor: {said}[^\n]*\n", done.stderr), done.stderr


def test_it_prints_one_line_with_its_real_url(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "server.py"), "--port", "0", "--db", str(tmp_path / "a.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert address is not None
        with urllib.request.urlopen(address.group() + "healthz", timeout=TIMEOUT_S) as response:
            assert response.read() == b"recording\n"
        process.terminate()

        rest, log = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, rest) == (0, "")
    assert "a new history begins here" in log


def test_a_bad_setting_exits_with_2_and_one_line(tmp_path: Path) -> None:
    assert_one_line(
        run("--interval", "7", cwd=tmp_path), 2, "--interval: '7' is not allowed; it must be a whole number"
    )
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_reaches_no_terminal_raw(tmp_path: Path) -> None:
    assert_one_line(run("--a\n\x1b[2J", cwd=tmp_path), 2, r"unrecognized arguments: --a\\n\\x1b\[2J; see --help")


def test_what_was_printed_can_be_saved_and_used_as_the_file(tmp_path: Path) -> None:
    printed = run("--print-config", "--port", "9000", "--name", "бокс", cwd=tmp_path)
    (tmp_path / "cpusensor.toml").write_text(printed.stdout, encoding="utf-8")

    again = run("--print-config", "--config", "cpusensor.toml", cwd=tmp_path)

    assert (printed.returncode, again.returncode, again.stderr) == (0, 0, "")
    assert tomllib.loads(again.stdout) == tomllib.loads(printed.stdout)
    assert "port = 9000  # cpusensor.toml\n" in again.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["cpusensor.toml"]


def test_as_json_every_line_of_the_log_is_an_object(tmp_path: Path) -> None:
    with Service(tmp_path, "--log-format", "json", "--top", "off") as running:
        started = running.log.read_text().splitlines()
        refused = run("--db", str(running.database), "--port", "0", "--log-format", "json", cwd=tmp_path)

    assert [(line["level"], line["logger"]) for line in map(json.loads, started)] == [
        ("info", "cpusensor.store.replacing"),
        ("info", "cpusensor.http.serving"),
    ]
    assert refused.returncode == 1
    assert "is in use by another cpusensor" in json.loads(refused.stderr)["message"]


def test_a_taken_port_exits_with_1_and_one_line_before_anything_is_touched(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = run("--port", port, cwd=tmp_path)

    assert_one_line(
        done, 1, f"127.0.0.1:{port}: cannot listen there \\(Address already in use\\); set --host or --port"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_host_exits_with_1_and_one_line(tmp_path: Path) -> None:
    assert_one_line(run("--host", "no-such-host.invalid", "--port", "0", cwd=tmp_path), 1, "no-such-host.invalid:0: ")


def test_a_database_that_cannot_be_used_exits_with_1_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("mine")

    done = run("--port", "0", "--db", "notes.db", cwd=tmp_path)

    assert_one_line(done, 1, "notes.db: is not a cpusensor database and was left untouched; set --db to another file")
    assert (tmp_path / "notes.db").read_text() == "mine"


def test_a_folder_that_may_not_be_written_exits_with_1_and_one_line(tmp_path: Path) -> None:
    done = run("--port", "0", "--db", "/proc/cpusensor.db", cwd=tmp_path)

    assert_one_line(done, 1, r"/proc/cpusensor.db: /proc cannot be written by user \d+ \(.*\); give it to that user")


def test_a_second_process_on_the_same_database_is_refused(service: Service, tmp_path: Path) -> None:
    done = run("--port", "0", "--db", str(service.database), cwd=tmp_path)

    assert_one_line(done, 1, f"{service.database}: is in use by another cpusensor \\(process {service.process.pid}\\)")


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_0_though_streams_are_open(service: Service, signal_number: signal.Signals) -> None:
    streams = [urllib.request.urlopen(service.url + "events", timeout=TIMEOUT_S) for _ in range(5)]
    silent = socket.create_connection(("127.0.0.1", service.port))
    half = socket.create_connection(("127.0.0.1", service.port))
    half.sendall(b"GET /events HTTP/1.1\r\nHost:")
    process = service.process

    process.send_signal(signal_number)

    assert process.wait(TIMEOUT_S) == 0
    for open_one in (*streams, silent, half):
        open_one.close()
    with closing(sqlite3.connect(service.database)) as connection:
        assert connection.execute("SELECT ended IS NOT NULL FROM run").fetchall() == [(1,)]


def test_a_terminal_that_is_lost_ends_nothing_that_was_started_with_nohup(tmp_path: Path) -> None:
    command = ["nohup", sys.executable, "server.py"]
    with Service(tmp_path, command=command) as service:
        service.process.send_signal(signal.SIGHUP)
        wait_for_samples(service, 2)

        assert service.terminate() == 0


NAMED = """
import os, socket, sys
socket.sethostname({name!r})
os.execv(sys.executable, [sys.executable, "server.py", "--print-config"])
"""
"""server.py on a machine of this name."""


@pytest.mark.parametrize(
    ("name", "shown"), [(b"a\tb", "a b"), (b"a\nb", "a b"), (b"\xff\xfe", "localhost"), (b"box", "box")]
)
def test_a_host_name_that_is_no_text_is_no_traceback(name: bytes, shown: str) -> None:
    command = ["unshare", "--map-root-user", "--uts", sys.executable, "-c", NAMED.format(name=name)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare(1)")
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("no name space of its own may be had here")

    assert (done.returncode, done.stderr) == (0, "")
    assert f'name = "{shown}"  # default' in done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - for the moment of the test
def test_a_first_start_is_quiet_and_says_what_to_open_where_it_records_and_how_it_ends(
    tmp_path: Path, host: str
) -> None:
    with Service(tmp_path, "--host", host, "--token", "x" * 20, "--top", "off") as service:
        lines = service.log.read_text().splitlines()

    assert {line.split(" ")[1] for line in lines} == {"INFO"}
    (banner,) = [line for line in lines if "open http" in line]
    assert f"open http://127.0.0.1:{service.port}/" in banner
    assert f"; recording into {service.database}; Ctrl-C or SIGTERM ends it" in banner
    assert "0.0.0.0" not in banner  # noqa: S104 - what nobody can open


def test_a_signal_ends_it_with_0_though_the_database_is_locked(service: Service) -> None:
    with closing(sqlite3.connect(service.database)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert service.terminate() == 0


def test_after_a_kill_nothing_acknowledged_is_missing_and_the_gap_says_crashed(service: Service) -> None:
    outer_begin = proc_stat()
    newest = wait_for_samples(service, 2)
    before = get_json(service, HOUR)
    service.kill()
    inner_begin = proc_stat()
    wait_until_clock(time.time() + MISSED_S)
    inner_end = proc_stat()
    service.start()
    wait_for_samples(service, 1)
    outer_end = proc_stat()

    after = get_json(service, HOUR)

    assert by_time(before).items() <= by_time(after).items()
    (gap,) = [gap for gap in after["gaps"] if gap["cause"] == "crashed"]
    assert gap["from"] >= newest
    # The readings on either side of the gap lie between those of the test.
    busy_inner, all_inner = (end - begin for begin, end in zip(inner_begin, inner_end, strict=True))
    busy_outer, all_outer = (end - begin for begin, end in zip(outer_begin, outer_end, strict=True))
    assert 100 * busy_inner / all_outer - 1 <= gap["cpu"] <= 100 * busy_outer / all_inner + 1


def test_a_clean_stop_leaves_a_gap_that_says_so(service: Service) -> None:
    newest = wait_for_samples(service, 1)
    assert service.terminate() == 0
    wait_until_clock(time.time() + MISSED_S)
    service.start()
    wait_for_samples(service, 1)

    (gap,) = [gap for gap in get_json(service, HOUR)["gaps"] if gap["cause"] == "stopped"]
    assert gap["from"] >= newest


def test_a_frozen_process_leaves_one_gap_and_no_burst(service: Service) -> None:
    wait_for_samples(service, 1)
    service.freeze()
    frozen = time.time()
    wait_until_clock(frozen + MISSED_S + 1)
    thawed = time.time()
    service.thaw()
    wait_for_samples(service, 1)

    # On a busy machine there may be shorter ones beside it.
    (gap,) = [gap for gap in get_json(service, HOUR)["gaps"] if gap["from"] <= frozen + 1 and gap["to"] >= thawed - 2]
    assert gap["cause"] == "stalled"
    assert gap["cpu"] is not None


def by_time(history: dict[str, Any]) -> dict[int, float]:
    """CPU % by time, where something was recorded."""
    times = range(history["start"], history["to"] + 1, history["step"])
    return {at: cpu for at, cpu in zip(times, history["cpu"], strict=True) if cpu is not None}


def proc_stat() -> tuple[int, int]:
    """Busy and all ticks, read by other means than the service's."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", maxsplit=1)[0].split()[1:9]]
    user, nice, system, _, _, irq, softirq, _ = fields
    return user + nice + system + irq + softirq, sum(fields)


def test_whoever_listens_wider_without_a_token_is_warned_in_the_log_and_on_the_page(tmp_path: Path) -> None:
    warning = "no token is set"
    for number, (flags, is_exposed) in enumerate(
        [(("--host", "0.0.0.0"), True), (("--host", "0.0.0.0", "--token", "x" * 20), False), ((), False)]  # noqa: S104
    ):
        directory = tmp_path / str(number)
        directory.mkdir()
        with Service(directory, *flags) as service:
            request = urllib.request.Request(service.url, headers={"Authorization": "Bearer " + "x" * 20})
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                page = response.read().decode()
        assert (warning in service.log.read_text(), warning in page) == (is_exposed, is_exposed)


def test_a_unix_socket_is_served_and_one_left_behind_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "cpu.sock"
    command = [sys.executable, str(ROOT / "server.py"), "--db", str(tmp_path / "a.db"), "--socket", str(path)]
    for end in (subprocess.Popen.kill, subprocess.Popen.terminate):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().endswith(f" serves unix:{path}\n")
            with closing(socket.socket(socket.AF_UNIX)) as connection:
                connection.connect(str(path))
                connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert connection.recv(1000).startswith(b"HTTP/1.0 200 OK")
            assert path.stat().st_mode & 0o777 == 0o660
            end(process)
            process.wait(TIMEOUT_S)
    (tmp_path / "file").write_text("mine")
    assert_one_line(run("--socket", str(tmp_path / "file"), cwd=tmp_path), 1, ".*file: cannot listen there")
    assert (tmp_path / "file").read_text() == "mine"


def test_with_a_certificate_it_speaks_https_and_nothing_else(tmp_path: Path, certificate: Certificate) -> None:
    cert, key, authority = certificate
    with Service(tmp_path, "--tls-cert", str(cert), "--tls-key", str(key)) as service:
        address = f"https://127.0.0.1:{service.port}/"
        trusting = ssl.create_default_context(cafile=authority)
        with urllib.request.urlopen(address + "events", timeout=TIMEOUT_S, context=trusting) as response:
            assert response.readline().startswith(b"retry: ")
            while not response.readline().startswith(b"id: "):
                pass
        with pytest.raises(ConnectionError):
            urllib.request.urlopen(service.url, timeout=TIMEOUT_S)
    swapped = run("--tls-cert", str(key), "--tls-key", str(cert), "--port", "0", cwd=tmp_path)
    assert_one_line(swapped, 1, ".*key.pem: cannot be used with")


def test_a_thousand_requests_that_are_none_cost_a_line_of_log(service: Service) -> None:
    before = service.log.stat().st_size

    assert send_malformed(("127.0.0.1", service.port), 1000) == 1000

    assert service.log.stat().st_size - before <= 1024
