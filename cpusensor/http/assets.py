"""The files of the page, read once at start: a request names a file, it never opens one."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cpusensor import __version__
from cpusensor.http.cache import Body, body_of

_PACKAGE = Path(__file__).parent.parent

WEB = _PACKAGE / "web" if (_PACKAGE / "web").is_dir() else _PACKAGE.parent / "web"
"""Inside the package where it was installed, beside it in a checkout."""

SCRIPT, FURTHER, STYLE = "page.js", "zoom.js", "page.css"
"""The page's own modules in one file, those that can wait in a second, and all style sheets in a third: each further
file would cost some 490 bytes."""

PUSHING = "push.js"
"""A further script, for those who push their samples somewhere."""

FLEET_SCRIPT, FLEET_STYLE = "fleet.js", "fleet.css"
"""The same of the page of all machines."""

MACHINE_SCRIPT, MACHINE_STYLE = "machine.js", STYLE
"""The same of the page of one of them."""

_COMMENT = re.compile(rb"/\*(?:(?!\*/).)*\*/", re.DOTALL)
_INDENT = re.compile(rb"\n\s*")
_IMPORT = re.compile(rb'^import \{ (.*) \} from "(.*)";$', re.MULTILINE)
_EXPORT = re.compile(rb"^export ", re.MULTILINE)
_EXPORTED = re.compile(rb"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)

_SHARED = ("base.css", "page.css", "ranges.css")
"""Style sheets that the fleet's page shares."""

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """All files under web/static that a page may ask for, the words of each language, and what describes the API."""

    version: str
    """Changes when any file changes; part of every file's address, so that a browser may keep it for ever."""
    files: dict[str, Body]
    """By the path in their address: what others wrote as they published it, our own joined."""
    texts: dict[str, dict[str, dict[str, str]]]
    """By language, then `frame` for what stands in the page, `script` for what its scripts write, and `fleet` for the
    page of all machines, then by key."""
    description: Body
    """The API in the words of OpenAPI."""


@cache
def own_assets() -> Assets:
    """Those beside this package; they are read, joined and compressed once in the life of a process."""
    return load_assets(WEB)


def load_assets(web: Path) -> Assets:
    """Read everything under `web` that is served."""
    static = web / "static"
    published = [path for path in sorted(static.rglob("*")) if path.suffix in _TYPES and not _is_joined(path, static)]
    files = {str(path.relative_to(static)): body_of(path.read_bytes(), _TYPES[path.suffix]) for path in published}
    js = static / "js"
    for name, script in _scripts(js / "main.js", js / FURTHER, js / PUSHING).items():
        files[name] = body_of(script, _TYPES[".js"])
    for name in (FLEET_SCRIPT, MACHINE_SCRIPT):
        files[name] = body_of(_joined(_modules(js / name)), _TYPES[".js"])
    files[STYLE] = body_of(_style(static), _TYPES[".css"])
    files[FLEET_STYLE] = body_of(_squeeze(_read(static, *_SHARED, FLEET_STYLE)), _TYPES[".css"])
    digest = hashlib.sha256(b"".join(name.encode() + asset.plain for name, asset in files.items()))
    texts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((web / "texts").glob("*.json"))}
    description = _description(web / "openapi.json")
    return Assets(version=digest.hexdigest()[:12], files=files, texts=texts, description=description)


def _description(path: Path) -> Body:
    """The file, with the version that serves it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    document["info"]["version"] = __version__
    return body_of(json.dumps(document, separators=(",", ":")).encode() + b"\n", "application/json")


def _is_joined(path: Path, static: Path) -> bool:
    return path.suffix == ".css" or path.relative_to(static).parts[0] == "js"


def _style(static: Path) -> bytes:
    """All style sheets but the fleet's as one: those of others as published, then our own by name: base.css first."""
    theirs = b"".join(path.read_bytes() for path in sorted(static.glob("vendor/**/*.css")))
    names = (path.name for path in sorted((static / "css").glob("*.css")))
    return theirs + _squeeze(_read(static, *(name for name in names if name != FLEET_STYLE)))


def _read(static: Path, *names: str) -> bytes:
    """Style sheets, one after the other."""
    return b"".join((static / "css" / name).read_bytes() for name in names)


def _scripts(main: Path, *further: Path) -> dict[str, bytes]:
    """A module with all that it imports as one, and what each other one needs besides as one that imports the first.

    The modules of a script share one scope, so no two of them may give a name at their top level to different things; a
    browser that parses the result would say so.
    """
    first = _modules(main)
    rests = {one: {path: source for path, source in _modules(one).items() if path not in first} for one in further}
    lent = {one: _lent(first, rest) for one, rest in rests.items()}
    everything = b", ".join(sorted(set().union(*lent.values())))
    scripts = {SCRIPT: _joined(first) + b"export { %s };\n" % everything}
    for one, rest in rests.items():
        scripts[one.name] = (
            b'import { %s } from "./%s";\n' % (b", ".join(sorted(lent[one])), SCRIPT.encode())
            + _joined(rest)
            + b"export { %s };\n" % b", ".join(_EXPORTED.findall(rest[one.resolve()]))
        )
    return scripts


def _lent(first: Mapping[Path, bytes], rest: Mapping[Path, bytes]) -> set[bytes]:
    """The names that modules import from those of the first script."""
    return {
        name.strip()
        for path, source in rest.items()
        for names, imported in _IMPORT.findall(source)
        if _imported(path, imported) in first
        for name in names.split(b",")
    }


def _modules(main: Path) -> dict[Path, bytes]:
    """A module and all that it imports, each after what it needs itself."""
    # In the order in which they were finished; a module is finished after all that it imports.
    sources: dict[Path, bytes] = {}

    def add(path: Path) -> None:
        source = path.read_bytes()
        for _, name in _IMPORT.findall(source):
            if (imported := _imported(path, name)) not in sources:
                add(imported)
        sources[path] = source

    add(main.resolve())
    return sources


def _imported(path: Path, name: bytes) -> Path:
    """The module that another one names."""
    return (path.parent / name.decode()).resolve()


def _joined(modules: dict[Path, bytes]) -> bytes:
    """The modules in one scope."""
    return _squeeze(b"".join(_EXPORT.sub(b"", _IMPORT.sub(b"", source)) for source in modules.values()))


def _squeeze(source: bytes) -> bytes:
    """Leave out comments, indentation and empty lines, which are for the readers of the source."""
    return _INDENT.sub(b"\n", _COMMENT.sub(b"", source))


def choose_language(wanted: list[str], accept_language: str, offered: list[str]) -> str:
    """The language for a reader: the first of `wanted` that is offered, else by Accept-Language, else English."""
    ranked = sorted(_weights(accept_language), key=lambda pair: -pair[1])
    candidates = [*wanted, *(tag for tag, weight in ranked if weight > 0)]
    return next((tag for tag in candidates if tag in offered), "en")


def _weights(accept_language: str) -> list[tuple[str, float]]:
    """Language and weight of each part of a header such as `de-CH, de;q=0.9` (RFC 9110 §12.5.4)."""
    weights = []
    for part in accept_language.split(","):
        tag, _, quality = part.partition(";")
        number = quality.strip().removeprefix("q=")
        # A weight that cannot be read counts as none given: a preference is no reason to refuse the page.
        weight = float(number) if number.replace(".", "", 1).isdecimal() else 1.0
        weights.append((tag.strip().lower().partition("-")[0], weight))
    return weights
