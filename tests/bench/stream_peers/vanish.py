"""How long cpusensor keeps the stream of a reader whose packets stopped coming: prints the seconds.

Runs in a network namespace of its own (unshare(1)), in which a packet can be dropped without harm to anything else.
"""

import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.stream_servers import cpusensor

LIMIT_S = 60


def sockets_of(pid: int) -> int:
    """How many a process has open."""
    links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(link.name.startswith("socket:") for link in links)


def drop(port: int) -> None:
    """Nothing that comes from or goes to this TCP port arrives from now on."""
    for end in ("--sport", "--dport"):
        subprocess.run(["iptables", "-A", "INPUT", "-p", "tcp", end, str(port), "-j", "DROP"], check=True)


def main(folder: Path) -> None:
    """Open a stream, read an event, vanish, and wait."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with cpusensor(folder) as running:
        alone = sockets_of(running.pid)
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port or 80)) as reader:
            reader.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while b"event: sample" not in reader.recv(1 << 16):
                pass
            drop(reader.getsockname()[1])
            began = time.monotonic()
            while sockets_of(running.pid) > alone and time.monotonic() - began < LIMIT_S:
                time.sleep(0.1)
            print(f"{time.monotonic() - began:.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
