"""What nobody meant to send, a little of it; `make fuzz` sends much."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.described import ask_as_described
from tests.fuzz.run import fuzz
from tests.service import TIMEOUT_S, Service
from tests.waiting import wait_for_samples

EXAMPLES = 10
REQUESTS = 1000
VALUES = st.text(st.characters(max_codepoint=255, blacklist_categories=["Cc"]), max_size=15)
"""What a header can hold."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has recorded something."""
    with Service(tmp_path_factory.mktemp("fuzz")) as running:
        wait_for_samples(running, 1)
        yield running


def test_every_answer_is_one_that_the_description_allows(service: Service) -> None:
    status, said = ask_as_described(service, EXAMPLES)

    assert status == 0, said


@settings(max_examples=100, derandomize=True)
@given(
    after=st.none() | st.text(max_size=15) | st.integers(0, 10**14).map(str),
    header=st.none() | VALUES | st.integers(0, 10**14).map(str),
)
def test_any_position_opens_a_stream_unless_after_is_no_id(
    service: Service, after: str | None, header: str | None
) -> None:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
    connection.request(
        "HEAD",
        "/events" if after is None else f"/events?after={quote(after)}",
        headers={} if header is None else {"Last-Event-ID": header},
    )
    status = connection.getresponse().status
    connection.close()

    is_id = after is None or (after.isascii() and after.isdigit() and len(after) <= 12)
    assert status == (200 if is_id else 400)


def test_no_bytes_on_the_socket_bring_about_an_error(tmp_path: Path) -> None:
    assert fuzz(tmp_path, requests=REQUESTS, seed=1).violations == []
