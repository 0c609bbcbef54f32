"""GET /static/."""

import pytest

from tests.running import Running


async def test_every_file_of_the_page_is_served_for_ever_under_its_own_address(running: Running) -> None:
    async with await running.get("") as response:
        html = await response.text()
    links = {part.partition('"')[0] for part in html.split('="static/')[1:]}
    assert {link.partition("/")[2] for link in links} >= {"page.js", "page.css", "icon.svg"}
    for link in links:
        async with await running.get(f"static/{link}") as response:
            assert response.status == 200, link
            assert response.headers["Cache-Control"] == "max-age=31536000, immutable"
            assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "path", ["static/x/page.js", "static/../server.py", "static/%2e%2e/server.py", "static//etc/passwd", "nothing"]
)
async def test_what_is_not_a_file_of_the_page_is_not_found(running: Running, path: str) -> None:
    async with await running.get(path) as response:
        assert response.status == 404
