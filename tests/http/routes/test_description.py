"""The description of the API, held against the service that it describes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import hdrs

from cpusensor import __version__
from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.assets import WEB
from cpusensor.model.blame import Throttle
from cpusensor.model.figures import BUSY, SERIES, TOP
from cpusensor.model.query import (
    ALL,
    CSV,
    DEFAULT_ABOVE,
    DEFAULT_LIMIT,
    JSON,
    MAX_LIMIT,
    MAX_POINTS,
    PROCESS,
    RANGES,
    STEPS,
    UNIT,
    BadRequestError,
    parse_query,
    parse_summary_query,
    parse_top_query,
    parse_why_query,
)
from cpusensor.model.records import Cause
from cpusensor.model.summary import Spread
from cpusensor.model.times import MAX_TIME, MAX_TIME_DIGITS
from cpusensor.outlets import wire
from tests.blames import SECOND, blame, process, unit
from tests.fakes import START
from tests.running import Running
from tests.samples import sample, without_known

TEXT = (WEB / "openapi.json").read_text(encoding="utf-8")
DESCRIPTION = json.loads(TEXT)
SCHEMAS = DESCRIPTION["components"]["schemas"]
ALL_SERIES = "series=modes,cores,load,pressure"


def validate(instance: object, schema: dict[str, Any]) -> None:
    """Raise what is wrong with it, if anything is."""
    jsonschema_rs.validate({**schema, "components": DESCRIPTION["components"]}, instance)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or what it refers to."""
    for name in part.get("$ref", "").split("/")[1:]:
        part = part[name] if name in part else DESCRIPTION[name]
    return part


def parameters(path: str) -> dict[str, dict[str, Any]]:
    """The schemas of an address's parameters."""
    described = map(resolved, DESCRIPTION["paths"][path]["get"].get("parameters", []))
    return {one["name"]: resolved(one["schema"]) for one in described}


async def ask(running: Running, address: str) -> tuple[int, Any]:
    """Status and body of an answer, which must be as described."""
    async with await running.get(address) as response:
        described = DESCRIPTION["paths"]["/" + address.partition("?")[0]]["get"]["responses"][str(response.status)]
        schema = resolved(described)["content"][response.content_type]["schema"]
        body = await response.text()
    if response.content_type == "application/json":
        body = json.loads(body)
    validate(body, schema)
    return response.status, body


def test_every_address_is_described_and_no_other() -> None:
    app = create_app(load_settings([], {}))
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != hdrs.METH_HEAD
    }

    described = {(method.upper(), path) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert described == served - {("GET", "/static/{version}/{path}")}


def test_no_member_is_given_twice() -> None:
    """What reads it as YAML refuses that; JSON takes the last."""

    def once(members: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(members)) == len(members), [name for name, _ in members]
        return dict(members)

    json.loads(TEXT, object_pairs_hook=once)


async def test_it_is_served_with_the_version_that_serves_it(running: Running) -> None:
    status, served = await ask(running, "api/openapi.json")

    assert status == 200
    assert served == {**DESCRIPTION, "info": {**DESCRIPTION["info"], "version": __version__}}


def test_the_parameters_of_the_history_are_those_that_are_parsed() -> None:
    described = parameters("/api/history")

    with pytest.raises(BadRequestError, match=f"allowed are {', '.join(described)}$"):
        parse_query({"other": ""}, START)
    assert described["range"]["enum"] == [*RANGES, ALL]
    assert described["from"] == described["to"]
    assert described["from"]["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": MAX_TIME}
    assert described["points"]["maximum"] == MAX_POINTS
    assert described["series"]["items"]["enum"] == [*SERIES, TOP]
    assert described["format"] == {"enum": [JSON, CSV], "default": JSON}
    assert parameters("/events")["after"]["maximum"] == 10**MAX_TIME_DIGITS - 1
    # Intervals divide 60, and so does their least common multiple.
    named, multiples = described["step"]["anyOf"]
    assert named["enum"] == sorted({*STEPS, *(step for step in range(1, 61) if 60 % step == 0)})
    assert multiples["multipleOf"] == STEPS[-1]


def test_the_parameters_of_the_summary_are_those_that_are_parsed() -> None:
    described = parameters("/api/summary")

    with pytest.raises(BadRequestError, match=f"allowed are {', '.join(described)}$"):
        parse_summary_query({"other": ""}, START)
    assert {name: described[name] for name in ("range", "from", "to")} == {
        name: parameters("/api/history")[name] for name in ("range", "from", "to")
    }
    assert described["above"] == {"type": "integer", "minimum": 0, "maximum": 100, "default": DEFAULT_ABOVE}


def test_the_parameters_of_the_top_are_those_that_are_parsed() -> None:
    described = parameters("/api/top")

    with pytest.raises(BadRequestError, match=f"allowed are {', '.join(described)}$"):
        parse_top_query({"other": ""}, START)
    assert described["by"] == {"enum": [UNIT, PROCESS], "default": UNIT}
    assert described["limit"] == {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}


OPERATIONS = [
    (path, method, operation) for path, methods in DESCRIPTION["paths"].items() for method, operation in methods.items()
]


async def test_no_default_excludes_another_parameter(running: Running) -> None:
    """Generated clients send every default with every request."""
    # Without an engine there is no fleet to ask for.
    asking_an_engine = {"/api/fleet", "/api/machine"}
    spans = "", f"from={START}&to={START + 60}", "range=24h", "step=60", "points=9"
    for path, _, _ in OPERATIONS:
        defaults = {name: schema["default"] for name, schema in parameters(path).items() if "default" in schema}
        for span in spans if "range" in parameters(path) and path not in asking_an_engine else ():
            if span.partition("=")[0] in {"", *parameters(path)}:
                query = "&".join([span, *(f"{name}={value}" for name, value in defaults.items())])
                assert await running.status(f"{path[1:]}?{query}") == 200, f"{path}?{query}"


def test_what_linters_of_descriptions_ask_for_is_there() -> None:
    """As redocly and spectral do by their recommended rules; too heavy to be installed for it."""
    tags = {tag["name"] for tag in DESCRIPTION["tags"]}

    assert {"license", "contact"} <= DESCRIPTION["info"].keys()
    for path, _, operation in OPERATIONS:
        assert operation["description"], path
        assert set(operation["tags"]) & tags == set(operation["tags"]) != set(), path


def test_every_schema_says_what_it_is_made_of_and_has_a_name_for_those_who_generate_clients() -> None:
    def schemas(part: object) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict) and ("type" in part or "oneOf" in part):
            yield part
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from schemas(inner)

    for schema in schemas(DESCRIPTION):
        assert "items" in schema or "array" not in schema.get("type", ""), schema
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys(), schema
        assert all("title" in one or "$ref" in one for one in schema.get("oneOf", [])), schema


def test_the_causes_are_those_that_a_gap_can_have() -> None:
    assert SCHEMAS["Cause"]["enum"] == list(Cause)
    assert SCHEMAS["Summary"]["properties"]["gaps"]["propertyNames"]["enum"] == list(Cause)


def test_the_spread_of_a_stretch_is_one_that_it_can_have() -> None:
    assert SCHEMAS["Stretch"]["properties"]["cores"]["enum"] == [*Spread, None]
    assert SCHEMAS["Stretch"]["properties"]["mode"]["enum"] == list(BUSY)


async def test_the_summary_is_as_described(running: Running) -> None:
    _, empty = await ask(running, "api/summary")
    await running.clock.advance(125)
    running.kernel.use(0.95)
    await running.clock.advance(120)
    await running.restart()
    await running.clock.advance(60)
    _, summary = await ask(running, "api/summary?range=24h&above=90")

    assert (empty["mean"], empty["busy"]) == (None, [])
    assert (len(summary["busy"]), list(summary["gaps"])) == (1, [])
    assert summary.keys() == SCHEMAS["Summary"]["properties"].keys()


async def test_the_top_is_as_described(running: Running) -> None:
    _, empty = await ask(running, "api/top")
    await running.clock.advance(5)
    await running.history.blames.add([blame(START + 5, unit("a.service"), process("a"))])
    _, units = await ask(running, "api/top?range=15m")
    _, processes = await ask(running, "api/top?range=15m&by=process")
    await running.clock.advance(5)
    held = Throttle(unit="a.service", periods=50, throttled=20, throttled_us=SECOND)
    await running.history.blames.add([replace(blame(START + 10, unit("a.service")), throttles=(held,))])
    _, throttled = await ask(running, "api/top?range=15m")

    assert throttled["throttled"][0].keys() == SCHEMAS["Throttle"]["properties"].keys()
    assert throttled["top"][0].keys() == SCHEMAS["Leader"]["properties"].keys() - {"pid", "started"}
    assert empty["top"] == []
    assert (len(units["top"]), len(processes["top"])) == (1, 1)
    assert processes["top"][0].keys() == SCHEMAS["Leader"]["properties"].keys() - {"throttled"}
    await running.restart("--trust-proxy", "127.0.0.1")
    assert (await ask(running, "api/top"))[0] == 403


async def test_the_story_is_as_described(running: Running) -> None:
    with pytest.raises(BadRequestError, match="allowed are range, from, to, at, lang"):
        parse_why_query({"other": ""}, START)

    assert (await ask(running, "why"))[0] == 200
    assert (await ask(running, "why?at=soon"))[0] == 400


async def test_the_history_is_as_described(running: Running) -> None:
    await running.clock.advance(125)
    await running.crash()
    await running.clock.advance(60)
    await running.start()
    await running.clock.advance(30)
    running.clock.step(40)
    await running.clock.advance(65)

    await running.history.blames.add([blame(START + 5, unit("a.service"), process("a"))])
    _, samples = await ask(running, f"api/history?from={START}&to={START + 600}&{ALL_SERIES},top")
    _, minutes = await ask(running, f"api/history?range=1h&step=60&{ALL_SERIES},top")

    assert [gap["cause"] for gap in samples["gaps"]] == ["crashed", "clock"]
    assert len(samples["clock_steps"]) == 1
    assert minutes.keys() == SCHEMAS["History"]["properties"].keys()


async def test_a_table_is_as_described(running: Running) -> None:
    await running.clock.advance(10)

    assert (await ask(running, f"api/history?range=all&format=csv&{ALL_SERIES}"))[0] == 200


async def test_a_bad_request_is_as_described(running: Running) -> None:
    assert (await ask(running, "api/history?range=2h"))[0] == 400
    assert (await ask(running, "api/summary?above=101"))[0] == 400
    assert (await ask(running, "api/top?by=user"))[0] == 400
    assert (await ask(running, "events?after=soon"))[0] == 400


async def test_the_host_is_as_described(running: Running) -> None:
    assert (await ask(running, "api/host"))[0] == 200
    await running.clock.advance(5)
    assert (await ask(running, "api/host"))[1].keys() == SCHEMAS["Host"]["properties"].keys()


async def test_the_newest_sample_and_its_lack_are_as_described(running: Running) -> None:
    assert (await ask(running, "api/now"))[0] == 404
    await running.clock.advance(5)
    assert (await ask(running, "api/now"))[0] == 200


def test_a_sample_of_a_system_that_reports_only_the_least_is_as_described() -> None:
    least = wire.sample(without_known(sample(START)))

    assert least["cores"] is None
    validate(least, SCHEMAS["Sample"])


async def test_health_is_as_described(running: Running) -> None:
    assert (await ask(running, "healthz"))[0] == 200
    running.kernel.failure = "unreadable"
    await running.clock.advance(5)
    assert (await ask(running, "healthz"))[0] == 200
    running.clock.pass_unnoticed(16)
    assert (await ask(running, "healthz"))[0] == 503


async def test_the_page_is_as_described(running: Running) -> None:
    assert (await ask(running, "?lang=ru"))[0] == 200


async def test_a_refused_stream_is_as_described(running: Running) -> None:
    await running.restart("--max-streams", "1")
    async with running.events() as stream:
        await stream.next()

        assert (await ask(running, "events"))[0] == 503


async def test_every_event_is_as_described(running: Running) -> None:
    described = {kind["properties"]["event"]["const"]: kind["properties"] for kind in SCHEMAS["Event"]["oneOf"]}
    await running.restart("--top", "all")
    async with running.events() as stream:
        for _ in range(7):
            running.accounts.use("nginx.service", "nginx", 7, 1_000_000)
            await running.clock.advance(5)
        events = [await stream.until("top")]
    await running.restart("--top", "off")
    async with running.events(Last_Event_ID="?") as stream:
        events += await stream.take(3)
        await running.clock.stall(26)
        events += await stream.take(3)
        running.kernel.failure = "unreadable"
        await running.clock.advance(15)
        events += await stream.take(2)

    assert {event.name for event in events} == described.keys()
    for event in events:
        validate(event.data, described[event.name]["data"]["contentSchema"])
        assert (event.id is not None) == ("id" in described[event.name])
