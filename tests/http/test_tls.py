"""A certificate that is renewed beside the running service: real files, real handshakes."""

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest
import trustme

from tests.running import Running
from tests.service import TIMEOUT_S


@pytest.fixture
async def secured(running: Running, tmp_path: Path) -> Running:
    """The service with a certificate of the first authority."""
    write(tmp_path, trustme.CA())
    await running.restart("--tls-cert", str(tmp_path / "chain.pem"), "--tls-key", str(tmp_path / "key.pem"))
    return running


def write(folder: Path, authority: trustme.CA, key: trustme.KeyType = trustme.KeyType.ECDSA) -> bytes:
    """Put a new certificate and its key where the service looks; the certificate as it is shown."""
    issued = authority.issue_cert("localhost", "127.0.0.1", key_type=key)
    replace(folder / "chain.pem", issued.cert_chain_pems[0].bytes())
    replace(folder / "key.pem", issued.private_key_pem.bytes())
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


def replace(path: Path, content: bytes) -> None:
    """As a tool that renews certificates does: never half of a file."""
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").rename(path)


async def shown_by(service: Running, name: str | None = None) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(TIMEOUT_S):
        _, writer = await asyncio.open_connection(
            "127.0.0.1", service.port, ssl=context, server_hostname=name or "127.0.0.1"
        )
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("name", [None, "localhost"], ids=["by address", "by name"])
@pytest.mark.parametrize("key", [trustme.KeyType.ECDSA, trustme.KeyType.RSA])
async def test_a_renewed_certificate_is_taken_without_a_restart(
    secured: Running, tmp_path: Path, name: str | None, key: trustme.KeyType
) -> None:
    first = await shown_by(secured, name)

    renewed = write(tmp_path, trustme.CA(), key)

    assert await shown_by(secured, name) == renewed != first


async def test_one_behind_a_link_is_taken_when_the_link_leads_elsewhere(running: Running, tmp_path: Path) -> None:
    certificates = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        certificates.append(write(tmp_path / str(number), trustme.CA()))
    live = tmp_path / "live"
    live.symlink_to("1")
    await running.restart("--tls-cert", str(live / "chain.pem"), "--tls-key", str(live / "key.pem"))
    assert await shown_by(running) == certificates[0]

    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").rename(live)

    assert await shown_by(running) == certificates[1]


async def test_until_both_files_fit_the_old_one_is_shown(
    secured: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await shown_by(secured)
    ready = tmp_path / "ready"
    ready.mkdir()
    renewed = write(ready, trustme.CA())

    for break_it in (
        lambda: shutil.copy(ready / "chain.pem", tmp_path / "chain.pem"),
        lambda: (tmp_path / "key.pem").write_text("no key"),
        (tmp_path / "key.pem").unlink,
    ):
        break_it()
        assert [await shown_by(secured) for _ in range(3)] == [first] * 3
    assert sum("cannot be used with" in line for line in caplog.messages) == 3

    shutil.copy(ready / "key.pem", tmp_path / "key.pem")

    assert await shown_by(secured) == renewed
