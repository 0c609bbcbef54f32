"""The health check as the container runs it, against services of every kind that it may have to find."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Certificate
from tests.service import ROOT, TIMEOUT_S, Service

RECORDING = b"HTTP/1.0 200 OK\r\n\r\nrecording\n"
HUNG = b"HTTP/1.0 503 Service Unavailable\r\n\r\nno tick for 16 s\n"


def probe(**environment: str) -> tuple[int, str]:
    """The status of the command and what it printed; only the environment tells it where the service is."""
    command = [sys.executable, "-S", "-m", "cpusensor.healthcheck"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@contextmanager
def answering(listener: socket.socket, answer: bytes) -> Iterator[list[bytes]]:
    """A service that gives one answer; what it was asked."""
    asked = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(4096))
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield asked
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("healthcheck")) as running:
        yield running


def test_a_service_that_records_is_healthy(service: Service) -> None:
    assert probe(CPUSENSOR_PORT=str(service.port)) == (0, "recording\n")
    assert probe(CPUSENSOR_PORT=str(service.port), CPUSENSOR_HOST="0.0.0.0") == (0, "recording\n")  # noqa: S104 - asks


def test_a_service_whose_sampling_hangs_is_not_and_says_why() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with answering(listener, HUNG):
        assert probe(CPUSENSOR_PORT=str(listener.getsockname()[1])) == (1, "no tick for 16 s\n")


def test_a_service_that_is_gone_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])

    status, said = probe(CPUSENSOR_PORT=port)

    assert status == 1
    assert "Connection refused" in said


def test_an_answer_that_is_none_is_not() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with answering(listener, b""):
        found = probe(CPUSENSOR_PORT=str(listener.getsockname()[1]))

    assert found == (1, "it does not answer in HTTP\n")


def test_it_asks_for_a_host_that_every_service_allows_and_shows_no_token(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "http"))
    listener.listen()
    with answering(listener, RECORDING) as asked:
        found = probe(CPUSENSOR_SOCKET=str(tmp_path / "http"), CPUSENSOR_TOKEN="0123456789abcdef")  # noqa: S106 - an example

    assert found == (0, "recording\n")
    assert asked == [b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"]


def test_a_file_may_say_where_the_service_is(service: Service, tmp_path: Path) -> None:
    config = tmp_path / "cpusensor.toml"
    config.write_text(f"port = {service.port}\n")

    assert probe(CPUSENSOR_CONFIG=str(config)) == (0, "recording\n")


def test_what_a_cluster_says_of_a_service_of_this_name_is_no_setting(service: Service, tmp_path: Path) -> None:
    config = tmp_path / "cpusensor.toml"
    config.write_text(f"port = {service.port}\n")

    assert probe(CPUSENSOR_CONFIG=str(config), CPUSENSOR_PORT="tcp://10.0.0.7:8080") == (0, "recording\n")
    assert probe(CPUSENSOR_CONFIG=str(config), CPUSENSOR_PORT="tcp//10.0.0.7:8080")[0] == 1


def test_a_certificate_that_nobody_known_signed_will_do(certificate: Certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
    port = str(listener.getsockname()[1])
    with answering(listener, RECORDING):
        assert (
            probe(
                CPUSENSOR_PORT=port, CPUSENSOR_TLS_CERT=str(certificate.chain), CPUSENSOR_TLS_KEY=str(certificate.key)
            )[0]
            == 0
        )
