"""The loop around wget in docs/CLIENTS.md, as it stands there, over a kill of the service."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.service import ROOT, Service
from tests.waiting import wait_for_samples, wait_until

(LOOP,) = re.findall(r"^```sh\n(while .*?)```", (ROOT / "docs/CLIENTS.md").read_text(), re.MULTILINE | re.DOTALL)


def ids(heard: Path) -> list[int]:
    text = heard.read_text() if heard.exists() else ""
    return [int(found) for found in re.findall(r"^id: (\d+)\n", text, re.MULTILINE)]


# `make test` has to do with Python and make alone, and wget comes from no package of Python's.
@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
def test_the_loop_around_wget_has_every_sample_once(tmp_path: Path) -> None:
    heard = tmp_path / "events.txt"
    with Service(tmp_path) as service:
        loop = LOOP.replace("http://localhost:8080/", service.url)
        with subprocess.Popen(["sh", "-c", loop], cwd=tmp_path, start_new_session=True) as shell:
            try:
                wait_until(lambda: len(ids(heard)) >= 2, "nothing is heard")
                service.kill()
                service.start()
                newest = wait_for_samples(service, 2)
                wait_until(lambda: ids(heard)[-1] >= newest, "nothing is heard after the kill")
            finally:
                os.killpg(shell.pid, signal.SIGKILL)
        with closing(sqlite3.connect(service.database)) as connection:
            recorded = [time for (time,) in connection.execute("SELECT time FROM sample ORDER BY time")]

    got = ids(heard)
    assert got == [time for time in recorded if got[0] <= time <= got[-1]]
