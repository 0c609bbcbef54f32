"""A client that is generated from the description reads a day."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cpusensor.http.assets import WEB
from tests.bench.fill import main as fill
from tests.browser.chromium import must_check_everything
from tests.fakes import START, FakeClock
from tests.running import Running
from tests.service import TIMEOUT_S

DAY_S = 86_400

# It comes with requirements-dev.lock; who has not installed that again can still run all the other tests.
pytestmark = pytest.mark.skipif(
    find_spec("openapi_python_client") is None and not must_check_everything(), reason="`make test` installs it"
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the package that was generated."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yaml").write_text("post_hooks: []\n")
    arguments = ["--path", str(WEB / "openapi.json"), "--config", "config.yaml", "--meta", "none", "--fail-on-warning"]
    command = [sys.executable, "-m", "openapi_python_client", "generate", *arguments, "--output-path", "described"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield "described"


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A database with more than a day in it."""
    path = tmp_path / "day.db"
    assert fill([str(path), "--until", str(START), "--years", "0.003", "--cores", "2", "--interval", "60"]) == 0
    return path


async def test_it_reads_a_day(generated: str, day: Path, clock: FakeClock) -> None:
    def part(name: str) -> Any:  # noqa: ANN401 - was generated
        return importlib.import_module(f"{generated}.{name}")

    service, models = Running(day, clock), part("models")
    begin = datetime.fromtimestamp(START - DAY_S, UTC)
    await service.start()
    try:
        async with part("client").Client(base_url=f"http://127.0.0.1:{service.port}") as client:
            history = await part("api.history.history").asyncio(
                client=client, from_=begin, to=START, series=[*models.HistorySeriesItem]
            )
            summary = await part("api.history.summary").asyncio(client=client, range_=models.Range("24h"))
        asked = await service.json(
            f"api/history?from={START - DAY_S}&to={START}&series={','.join(models.HistorySeriesItem)}"
        )
    finally:
        await service.stop()

    assert len(history.cpu) == DAY_S // history.step
    assert history.to_dict() == asked
    assert (summary.from_, summary.to, summary.recorded > 0) == (START - DAY_S, START, True)
