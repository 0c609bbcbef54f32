"""GET /healthz."""

from tests.running import Running


async def test_health_is_a_word(running: Running) -> None:
    async with await running.get("healthz") as response:
        assert (response.status, await response.text()) == (200, "recording\n")
