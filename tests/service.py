"""The real service as a process of its own, which a test can kill, stop, freeze and start again.

`Service` alone knows how server.py is started and how it says where it listens.
"""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 120
"""So long at most is any event waited for: what a quiet machine does at once can take long on a busy one."""


class Service:
    """`python server.py` on a free port of 127.0.0.1; as a context it runs inside the block.

    Started again it keeps its database and its port, so that an open page finds it. What it logs is appended to the
    file `log`. Only the flags and `environment` say how it runs: CPUSENSOR_* variables of ours are not passed on.
    `command` may stand in for `python server.py`.
    """

    def __init__(
        self,
        directory: Path,
        *flags: str,
        interval_s: int = 1,
        command: Sequence[str] = (sys.executable, "server.py"),
        **environment: str,
    ) -> None:
        self.database = directory / "cpusensor.db"
        self.log = directory / "cpusensor.log"
        self.interval_s = interval_s
        self.port = 0
        self._flags = flags
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where the page is, with a slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended by the test."""
        return self._process is not None

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running process.

        Raises:
            RuntimeError: It was not started, or has been ended.
        """
        if self._process is None:
            raise RuntimeError("the service is not running")
        return self._process

    def start(self) -> None:
        """Start it and return once it listens.

        Raises:
            RuntimeError: It did not say where it listens; the text holds its log.
        """
        if self._process is not None:
            raise RuntimeError("the service is running already")
        settings = ["--port", str(self.port), "--db", str(self.database), "--interval", str(self.interval_s)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CPUSENSOR_")}
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*self._command, "--host", "127.0.0.1", *settings, *self._flags],
                cwd=ROOT,
                env=inherited | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        address = re.search(r"https?://\S+", self._first_line())
        port = urlsplit(address.group()).port if address else None
        if port is None:
            self.kill()
            raise RuntimeError(f"the service did not start:\n{self.log.read_text()}")
        self.port = port

    def terminate(self) -> int:
        """End it with SIGTERM; the exit status."""
        return self._end_with(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL: it cannot even say goodbye."""
        self._end_with(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it where it stands, connections open, until `thaw`."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.thaw()
            self.terminate()
        sys.stderr.write(self.log.read_text())  # which pytest shows if the test failed

    def _first_line(self) -> str:
        """What it printed first; empty if it ended, or was silent for too long."""
        stdout = self.process.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], TIMEOUT_S)
        return stdout.readline() if readable else ""

    def _end_with(self, signal_number: signal.Signals) -> int:
        """Send the signal and wait; a process that ignores it is killed and reported."""
        with self.process as process:
            self._process = None
            process.send_signal(signal_number)
            try:
                return process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
