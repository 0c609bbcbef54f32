"""The files in deploy/fleet/, put to use by real engines; Grafana and compose themselves are not run.

The engines are started with the flags of the compose files, and the real service pushes to both.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

# Comes with schemathesis, and without types.
import yaml  # type: ignore[import-untyped]

from tests.engines import ADVICE, PROMETHEUS, VICTORIA, Engine, Kind
from tests.service import ROOT, Service
from tests.waiting import wait_until

FLEET = ROOT / "deploy" / "fleet"
COMPOSED = {
    VICTORIA: ("compose.victoria.yaml", "victoria", "-httpListenAddr"),
    PROMETHEUS: ("compose.prometheus.yaml", "prometheus", "--web.listen-address"),
}
"""Of each engine the compose file, its service there, and the flag for where it listens."""

MACROS = {"$__interval": "15s", "$__range": "1h", "$host": "box"}
"""What Grafana puts into a query."""

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason=f"no promtool: {ADVICE}")
needs_vmalert = pytest.mark.skipif(shutil.which("vmalert") is None, reason=f"no vmalert: {ADVICE}")
# Neither comes from a package of Python's.
needs_engines = pytest.mark.skipif(
    any(kind.missing for kind in COMPOSED), reason="; ".join(kind.missing for kind in COMPOSED if kind.missing)
)


def compose(name: str) -> dict[str, Any]:
    """The services of a compose file."""
    services: dict[str, Any] = yaml.safe_load((FLEET / name).read_text())["services"]
    return services


def composed(kind: Kind) -> Kind:
    """The engine with the flags that compose gives it; what is a container's own folder there is one of ours."""
    name, service, listen = COMPOSED[kind]

    def flags(folder: Path, port: int) -> list[str]:
        moved = {"/etc/prometheus/": f"{FLEET}/", "=/": f"={folder}/"}
        found = [*compose(name)[service]["command"], f"{listen}=127.0.0.1:{port}"]
        for old, new in moved.items():
            found = [one if str(FLEET) in one else one.replace(old, new) for one in found]
        return found

    return replace(kind, flags=flags)


def queries() -> list[str]:
    """Every query of the dashboard."""
    dashboard = json.loads((FLEET / "grafana" / "fleet.json").read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for macro, value in MACROS.items():
        found = [one.replace(macro, value) for one in found]
    return found


def has_a_sample(engine: Engine) -> bool:
    """Whether the machine that pushes is known to the engine."""
    return bool(engine.now("cpusensor_cpu_ratio", time.time()))


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Engine]]:
    """Both, as compose starts them, with the first samples of a machine that pushes to them."""
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        running = [stack.enter_context(Engine(composed(kind), folder)) for kind in COMPOSED]
        tables = (f'[[remote_write]]\nurl = "{one.write_url}"\ninterval = 1\n' for one in running)
        (folder / "push.toml").write_text("".join(tables))
        flags = ("--config", str(folder / "push.toml"), "--name", "box", "--top", "off")
        stack.enter_context(Service(folder, *flags))
        for one in running:
            wait_until(partial(has_a_sample, one), f"{one.kind.name}: no sample")
        yield running


@needs_engines
@pytest.mark.parametrize("query", queries())
def test_every_query_of_the_dashboard_has_an_answer_from_each_engine(engines: list[Engine], query: str) -> None:
    for engine in engines:
        answer = engine.ask("query_range", query=query, start=time.time() - 60, end=time.time(), step=5)["result"]
        # A kernel without PSI has no pressure to tell of.
        is_known = "pressure" not in query or engine.now("cpusensor_pressure_ratio", time.time())

        assert answer or not is_known, engine.kind.name


@needs_engines
def test_the_machines_of_the_dashboard_are_found_by_their_names(engines: list[Engine]) -> None:
    (variable,) = json.loads((FLEET / "grafana" / "fleet.json").read_text())["templating"]["list"]

    assert variable["query"]["query"] == "label_values(cpusensor_cpu_ratio, host)"
    for engine in engines:
        assert engine.ask("label/host/values", **{"match[]": "cpusensor_cpu_ratio"}) == ["box"]


@needs_engines
def test_every_alert_can_be_asked_of_each_engine_and_none_fires_for_a_machine_that_is_well(
    engines: list[Engine],
) -> None:
    (group,) = yaml.safe_load((FLEET / "alerts.yml").read_text())["groups"]
    quiet = [rule["expr"] for rule in group["rules"] if rule["alert"].startswith("Recorder")]

    for engine in engines:
        for rule in group["rules"]:
            engine.now(rule["expr"], time.time())
        assert [query for query in quiet if engine.now(query, time.time())] == []


@needs_promtool
@pytest.mark.parametrize(
    "command",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")],
)
def test_promtool_finds_no_fault(command: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *command], cwd=FLEET, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@needs_vmalert
def test_vmalert_takes_the_flags_and_the_rules() -> None:
    flags = [
        flag.replace("/etc/vmalert/", f"{FLEET}/") for flag in compose("compose.victoria.yaml")["vmalert"]["command"]
    ]
    done = subprocess.run(["vmalert", *flags, "-dryRun"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["compose.victoria.yaml", "compose.prometheus.yaml"])
def test_what_compose_mounts_is_there_and_names_services_that_are_there(name: str) -> None:
    services = compose(name)
    mounted = [one.split(":")[0] for service in services.values() for one in service.get("volumes", ())]
    engine = services["fleet"]["environment"]["CPUSENSOR_ENGINE"]

    assert [one for one in mounted if one.startswith(".") and not (FLEET / one).is_file()] == []
    assert {one for service in services.values() for one in service.get("depends_on", ())} <= services.keys()
    assert services["grafana"]["environment"]["ENGINE_URL"] == engine
    assert engine.removeprefix("http://").partition(":")[0] in services
