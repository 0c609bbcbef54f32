import json
from pathlib import Path

import pytest

from cpusensor.assets import WEB, choose_language, load_assets

OFFERED = ["en", "ru"]


@pytest.mark.parametrize(
    ("wanted", "header", "lang"),
    [
        ([], "", "en"),
        ([], "ru", "ru"),
        ([], "de-CH, ru;q=0.5, en;q=0.4", "ru"),
        ([], "ru;q=0, de", "en"),
        ([], "ru;q=x", "ru"),
        ([], ",;q=,;;", "en"),
        (["ru"], "en", "ru"),
        (["xx", "ru"], "en", "ru"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_browser_s_else_english(
    wanted: list[str], header: str, lang: str
) -> None:
    assert choose_language(wanted, header, OFFERED) == lang


def test_both_languages_say_the_same_things() -> None:
    texts = load_assets().texts

    assert texts.keys() == {"en", "ru"}
    plural = ("_one", "_few", "_many", "_other")
    stems = [
        {key.removesuffix(next((end for end in plural if key.endswith(end)), "")) for key in words}
        for words in texts.values()
    ]
    assert stems[0] == stems[1]


def test_the_address_of_the_files_changes_with_their_content(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "static").mkdir()
    script = tmp_path / "static" / "a.js"
    script.write_text("1")
    before = load_assets(tmp_path).version
    script.write_text("2")

    assert load_assets(tmp_path).version != before


def test_the_page_s_own_files_are_sent_without_their_comments_and_others_as_published(tmp_path: Path) -> None:
    (tmp_path / "static" / "vendor").mkdir(parents=True)
    source = "/** Says\n * something. */\nconst a = 1;\n/** @type {B} */ (b).c;\n  /** D. */\n"
    (tmp_path / "static" / "own.js").write_text(source)
    (tmp_path / "static" / "vendor" / "theirs.js").write_text(source)

    files = load_assets(tmp_path).files

    assert files["own.js"].plain == b"\n\nconst a = 1;\n/** @type {B} */ (b).c;\n\n"
    assert files["vendor/theirs.js"].plain == source.encode()


def test_only_what_a_browser_uses_is_served() -> None:
    served = load_assets().files

    assert {Path(name).suffix for name in served} == {".js", ".css", ".svg"}
    assert not [name for name in served if name.endswith(".d.ts")]
    assert json.dumps(sorted(served))
    assert (WEB / "templates" / "page.html").exists()
