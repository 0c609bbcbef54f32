"""Asks the service whether it records: python -m cpusensor.healthcheck.

It finds the service by its settings. It runs every few seconds, so it imports next to nothing besides them.
"""

import socket
import sys

from cpusensor.config.settings import Settings, SettingsError, load_settings

TIMEOUT_S = 5.0
REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"


def main() -> int:
    """Print what the service says of itself; the exit status is 1 unless it records."""
    try:
        is_recording, state = ask(load_settings())
    except (OSError, SettingsError) as error:
        is_recording, state = False, str(error)
    print(state)  # noqa: T201 - the answer of the command
    return int(not is_recording)


def ask(settings: Settings) -> tuple[bool, str]:
    """Whether it records, and what it says of that. Raises OSError."""
    with connect(settings) as channel, encrypt(channel) if settings.tls_cert else channel as connection:
        connection.sendall(REQUEST)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, text = answer.decode(errors="replace").partition("\r\n\r\n")
    return head.partition(" ")[2].startswith("200 "), text.strip() or "it does not answer in HTTP"


def connect(settings: Settings) -> socket.socket:
    """A connection to the service; 0.0.0.0 and :: lead to this machine. Raises OSError."""
    if settings.socket is None:
        return socket.create_connection((settings.host, settings.port), TIMEOUT_S)
    channel = socket.socket(socket.AF_UNIX)
    channel.settimeout(TIMEOUT_S)
    channel.connect(str(settings.socket))
    return channel


def encrypt(channel: socket.socket) -> socket.socket:
    """The connection in TLS. The certificate is not verified, for it names the machine and not this address."""
    import ssl  # noqa: PLC0415 - most do without

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(channel)


if __name__ == "__main__":
    sys.exit(main())
