"""What a package of cpusensor needs, for hatchling: what `make run` installs, from the files the locks are made of."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

FILES = ("requirements.txt", "requirements-push.txt")


class Requirements(MetadataHookInterface):
    """Reads them without comments and options."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add them to the table of the project."""
        lines = [line for name in FILES for line in Path(self.root, name).read_text(encoding="utf-8").splitlines()]
        texts = [line.partition("#")[0].strip() for line in lines]
        metadata["dependencies"] = [text for text in texts if text and not text.startswith("-")]
