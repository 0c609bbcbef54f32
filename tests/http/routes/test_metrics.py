"""GET /metrics."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from cpusensor import __version__
from tests.running import Running

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


async def scrape(running: Running, accept: str = "") -> str:
    async with await running.get("metrics", Accept=accept) as response:
        assert response.status == 200, await response.text()
        return await response.text()


def values(text: str) -> dict[str, float]:
    """Each sample's value by its name and labels, as `name{a=b}`."""
    return {
        one.name + "".join(f"{{{name}={value}}}" for name, value in sorted(one.labels.items())): one.value
        for family in read_text(text)
        for one in family.samples
    }


async def test_the_counters_are_the_kernels_own_at_the_moment_of_the_scrape(running: Running) -> None:
    await running.clock.advance(5)
    before = values(await scrape(running))
    running.clock.pass_unnoticed(3)
    after = values(await scrape(running))

    rise = {name: after[name] - before[name] for name in after if name.startswith("cpusensor_cpu_seconds_total{cpu=1}")}
    # Between two ticks, and no sample came: what rises is what the kernel has counted.
    assert rise == {
        f"cpusensor_cpu_seconds_total{{cpu=1}}{{mode={mode}}}": pytest.approx(seconds)
        for mode, seconds in {"user": 0.75, "idle": 2.25, "system": 0, "irq": 0, "iowait": 0, "steal": 0}.items()
    }


async def test_the_newest_sample_the_state_and_the_cost_are_told(running: Running) -> None:
    await running.clock.advance(5)
    told = values(await scrape(running))

    assert told["cpusensor_cpu_ratio"] == 0.25
    assert told["cpusensor_load1"] == 0.42
    assert told["cpusensor_pressure_seconds_total"] == 0
    assert told["cpusensor_recording"] == 1
    assert told[f"cpusensor_build_info{{version={__version__}}}"] == 1
    assert told["process_cpu_seconds_total"] > 0


async def test_what_is_not_known_is_left_out_and_recording_is_told_to_fail(running: Running) -> None:
    running.kernel.failure = "no such file"
    await running.clock.advance(20)
    told = values(await scrape(running))

    assert told["cpusensor_recording"] == 0
    assert not [name for name in told if name.startswith(("cpusensor_cpu_", "cpusensor_load1", "cpusensor_pressure"))]


async def test_the_seconds_of_a_gap_are_counted_by_its_cause_once_it_is_over(running: Running) -> None:
    await running.clock.advance(10)
    await running.stop()
    running.clock.step(60)
    await running.start()
    await running.clock.advance(10)

    told = values(await scrape(running))

    assert told["cpusensor_gap_seconds_total{cause=stopped}"] == 60
    assert told["cpusensor_gap_seconds_total{cause=crashed}"] == 0


async def test_openmetrics_is_sent_to_who_names_it_and_bad_headers_get_plain_text(running: Running) -> None:
    text = await scrape(running, OPENMETRICS)
    names = {family.name for family in read_openmetrics(text)}  # type: ignore[no-untyped-call]

    assert {"cpusensor_cpu_seconds", "cpusensor_build", "cpusensor_recording"} <= names
    for accept in ("application/openmetrics-text; version=x", "text/plain;version=1.x", "*/*", ";;,"):
        assert values(await scrape(running, accept))["cpusensor_recording"] == 1


async def test_without_the_package_one_line_says_how_to_install_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    async with await running.get("metrics") as response:
        assert response.status == 501
        assert (await response.json())["error"].endswith("install it with: pip install -r requirements-push.txt")


# `make test` has to do with Python and make alone, and promtool comes with Debian's prometheus.
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
async def test_promtool_finds_nothing_to_complain_of(running: Running) -> None:
    await running.clock.advance(5)
    text = await scrape(running)

    promtool = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await promtool.communicate(text.encode())

    assert (promtool.returncode, said) == (0, b"")
