"""The files of the page, read once at start: a request names a file, it never opens one."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from cpusensor.answers import Body, body_of

WEB = Path(__file__).parent.parent / "web"

_COMMENT = re.compile(rb"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$", re.DOTALL | re.MULTILINE)
"""A comment that has its lines to itself. What is for the readers of the source alone is not sent to browsers; the
empty lines stay, so that line numbers are those of the file."""

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """All files under web/static that a page may ask for, and the words of each language."""

    version: str
    """Changes when any file changes; part of every file's address, so that a browser may keep it for ever."""
    files: dict[str, Body]
    """By their path under web/static."""
    texts: dict[str, dict[str, str]]
    """By language, then by key."""

    @property
    def modules(self) -> list[str]:
        """The page's own scripts, to be fetched ahead."""
        return [path for path in self.files if path.startswith("js/")]


def load_assets(web: Path = WEB) -> Assets:
    """Read everything under `web` that is served."""
    paths = sorted(path for path in (web / "static").rglob("*") if path.suffix in _TYPES)
    files = {str(path.relative_to(web / "static")): _load(path) for path in paths}
    digest = hashlib.sha256(b"".join(name.encode() + asset.plain for name, asset in files.items()))
    texts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((web / "texts").glob("*.json"))}
    return Assets(version=digest.hexdigest()[:12], files=files, texts=texts)


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
        weight = float(number) if number.replace(".", "", 1).isdecimal() else 1.0
        weights.append((tag.strip().lower().partition("-")[0], weight))
    return weights


def _load(path: Path) -> Body:
    plain = path.read_bytes()
    if "vendor" not in path.parts:
        plain = _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), plain)
    return body_of(plain, _TYPES[path.suffix])
