"""What the README promises is there."""

import re
from pathlib import Path

import pytest

from cpusensor.config.options import CONFIG, SETTINGS, Setting

ROOT = Path(__file__).parent.parent
NONE = {"README.md": "none", "README.ru.md": "нет"}
READMES = list(NONE)


@pytest.mark.parametrize("document", READMES)
def test_the_settings_are_one_table_that_nothing_breaks(document: str) -> None:
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    at = [number for number, line in enumerate(lines) if line.startswith("| `--")]

    assert at == list(range(at[0], at[0] + len(SETTINGS) + 1))
    # Each row has the cells of the head, and is whole.
    assert {lines[number].count("|") for number in at} == {5}
    assert all(lines[number].endswith(" |") for number in at)


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("setting", [CONFIG, *SETTINGS], ids=lambda setting: setting.name)
def test_every_setting_is_in_the_table(readme: str, setting: Setting) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{setting.flag}` \| `{setting.variable}` \| (.*?) \|", text, re.MULTILINE)

    default = f"`{setting.default}`" if setting.default else NONE[readme]
    assert setting.name == "name" or row == default


@pytest.mark.parametrize(
    "document", [*READMES, "docs/API.md", "docs/ARCHITECTURE.md", "docs/DATABASE.md", "docs/SECURITY.md"]
)
def test_every_link_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]

    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_the_readme_can_be_read_in_three_minutes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|^\|.*?$|!\[.*?\)|\]\([^)]*\)", "", text, flags=re.DOTALL | re.MULTILINE)

    assert len(prose.split()) < 720
