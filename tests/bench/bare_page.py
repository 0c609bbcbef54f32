"""The least that a page can be: `python -m tests.bench.bare_page URL` draws the hour of a service with uPlot.

URL is a service of ours, whose hour is asked for once. Served are a document with the same points inside, the same
uPlot and nothing else: no live stream, no readout, no gap, no words. Prints where.
"""

import asyncio
import json
import sys
from typing import Any
from urllib.request import urlopen

from aiohttp import web

from tests.service import ROOT

UPLOT = ROOT / "web" / "static" / "vendor" / "uplot-1.6.32"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>CPU</title>
<link rel="stylesheet" href="uPlot.min.css">
<script defer src="uPlot.iife.min.js"></script>
<script defer src="draw.js"></script></head>
<body><div id="samples"></div><div id="minutes"></div>
<script type="application/json" id="boot">BOOT</script></body></html>"""

DRAW = """const boot = JSON.parse(document.getElementById("boot").textContent);
const draw = (id, { start, step, cpu }, height) => {
  const node = document.getElementById(id);
  const times = cpu.map((_, i) => start + i * step);
  const scales = { y: { range: [0, 100] } };
  new uPlot({ width: node.clientWidth, height, scales, series: [{}, { stroke: "blue" }] }, [times, cpu], node);
};
draw("samples", boot.samples, 200);
draw("minutes", boot.minutes, 140);
requestAnimationFrame(() => setTimeout(() => (document.documentElement.dataset.ready = "")));"""


def ask(url: str, query: str) -> Any:  # noqa: ANN401 - as the service answers
    """A history of the service."""
    with urlopen(f"{url}api/history?{query}") as answer:
        return json.load(answer)


def app_of(url: str) -> web.Application:
    """The document and its three files, compressed as those of the service are."""
    boot = {"samples": ask(url, "range=1h&points=3600"), "minutes": ask(url, "range=1h&step=60&series=modes")}
    files = {
        "/": ("text/html", PAGE.replace("BOOT", json.dumps(boot, separators=(",", ":")))),
        "/draw.js": ("text/javascript", DRAW),
        **{f"/{name}": (kind, (UPLOT / name).read_text(encoding="utf-8")) for name, kind in VENDORED.items()},
    }
    app = web.Application()
    for path, (kind, text) in files.items():

        async def answer(_: web.Request, kind: str = kind, text: str = text) -> web.Response:
            response = web.Response(text=text, content_type=kind)
            response.enable_compression()
            return response

        app.router.add_get(path, answer)
    return app


VENDORED = {"uPlot.iife.min.js": "text/javascript", "uPlot.min.css": "text/css"}


async def serve(url: str) -> None:
    """Serve until killed."""
    runner = web.AppRunner(app_of(url), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
