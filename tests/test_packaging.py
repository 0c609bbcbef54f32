"""What `pip install .` makes: the command, what it needs, and the files of the page inside. No index is asked here."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cpusensor import __version__
from cpusensor.http.assets import WEB
from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import wait_for_samples

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
INSIDE: dict[str, str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "cpusensor", folder / "cpusensor", ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in INSIDE.items():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (folder / target).parent.mkdir(exist_ok=True)
        copy(ROOT / source, folder / target)
    return folder


def test_the_command_of_an_installed_package_serves_the_page(installed: Path, tmp_path: Path) -> None:
    # Without -P the checkout, in which it runs, would be found before what is installed.
    command = [sys.executable, "-P", "-m", "cpusensor"]
    with Service(tmp_path, command=command, PYTHONPATH=str(installed)) as service:
        wait_for_samples(service, 1)
        with urllib.request.urlopen(service.url, timeout=TIMEOUT_S) as answer:
            page = answer.read().decode()

    assert re.search(r'src="static/[0-9a-f]+/page\.js"', page)


def test_nothing_that_a_checkout_serves_is_missing(installed: Path) -> None:
    served = {path.relative_to(WEB) for name in INSIDE for path in [ROOT / name, *(ROOT / name).rglob("*")]}

    assert {path for path in served if not (installed / "cpusensor" / "web" / path).exists()} == set()
    assert {path.name for path in WEB.iterdir() if path.name in {"static", "templates", "texts", "openapi.json"}} == {
        Path(name).name for name in INSIDE
    }


def test_the_project_s_table_names_the_command_and_what_it_runs_on() -> None:
    module, _, function = PROJECT["project"]["scripts"]["cpusensor"].partition(":")

    assert callable(getattr(import_module(module), function))
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert f'__version__ = "{__version__}"' in (ROOT / PROJECT["tool"]["hatch"]["version"]["path"]).read_text()


def test_a_checkout_where_nothing_is_installed_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "server.py"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 1
    assert re.fullmatch(r"cpusensor: \w+ is not installed; make run \(or pip install \.\) .*\n", done.stderr)
