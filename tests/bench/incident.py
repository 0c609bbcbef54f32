"""An incident for the READMEs: what `/why` and the page tell of a service that kept all CPUs busy for two minutes.

`python -m tests.bench.incident` from the root of the repository, on Linux, as root, four minutes on a machine that is
quiet otherwise. It prints the answer of `/why`, writes it into both READMEs, and the page into docs/pictures/who.png.
`--dry` only prints.
"""

import argparse
import os
import re
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from cpusensor.kernel.groups import find_hierarchy
from tests.bench.names_loads import SPIN, program
from tests.bench.report import say
from tests.browser.chromium import find_chromium
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import wait_until_clock

UNIT, NAME = "nightly.service", "encode"
"""Of the service, and of its program."""

READMES = {"README.md": "en", "README.ru.md": "ru"}
PICTURE = ROOT / "docs/pictures/who.png"
STEP_S = 5


def load(folder: Path, seconds: int) -> None:
    """Keep all CPUs busy for so long."""
    shell = folder / NAME
    shutil.copy(shutil.which("sh") or "/bin/sh", shell)
    # Each ends by itself: whoever kills the shell does not reach its children.
    loops = " ".join(f"timeout {seconds} {shell} -c '{SPIN}' &" for _ in range(os.cpu_count() or 1))
    with program(NAME, find_hierarchy(), "sh", "-c", f"{loops} wait", unit=UNIT):
        wait_until_clock(time.time() + seconds + 1)


def why(service: Service, span: str, lang: str) -> str:
    """What the service tells of the span."""
    with urlopen(f"{service.url}why?{span}&lang={lang}", timeout=TIMEOUT_S) as answer:
        text: str = answer.read().decode().strip()
        return text


def photograph(service: Service, span: str) -> None:
    """The page with the span, and the culprit drawn over its averages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
        page.goto(f"{service.url}?{span}&by=process&who=unit:{UNIT}")
        page.locator("#who-list svg path[d^=M]").first.wait_for(state="attached")
        page.screenshot(path=PICTURE, full_page=True)
        browser.close()


def insert(readme: Path, at: str, text: str) -> None:
    """Put what was told into the block that asks for it. Raises ValueError where there is none."""
    page = readme.read_text(encoding="utf-8")
    block = re.compile(r"(```console\n\$ curl 'localhost:8080/why\?at=)[\d:]+'\n.*?(```)", re.DOTALL)
    page, found = block.subn(lambda found: f"{found[1]}{at}'\n{text}\n{found[2]}", page)
    if found != 1:
        raise ValueError(f"{readme}: has no block with curl 'localhost:8080/why?at=…'")
    readme.write_text(page, encoding="utf-8")


def run(arguments: argparse.Namespace) -> int:
    """Wait, load, wait, tell; the exit status."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        service = stack.enter_context(Service(Path(folder), "--name", "box", interval_s=STEP_S))
        begin = int(time.time())
        wait_until_clock(begin + arguments.calm)
        middle = time.time() + arguments.seconds / 2
        load(Path(folder), arguments.seconds)
        wait_until_clock(time.time() + arguments.calm)
        at = time.strftime("%H:%M", time.localtime(middle))
        told = {readme: why(service, f"at={int(middle)}", lang) for readme, lang in READMES.items()}
        say("\n\n".join(told.values()))
        if not arguments.dry:
            photograph(service, f"from={begin}&to={int(time.time())}")
            for readme, text in told.items():
                insert(ROOT / readme, at, text)
    return 0


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.incident", description="An incident for the READMEs.")
    parser.add_argument("--seconds", type=int, default=120, help="of the load (default: 120)")
    parser.add_argument("--calm", type=int, default=60, help="seconds before and after it (default: 60)")
    parser.add_argument("--dry", action="store_true", help="only print what /why tells")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
