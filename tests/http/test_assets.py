import json
import re
from pathlib import Path

import pytest

from cpusensor.http.assets import WEB, choose_language, load_assets, own_assets

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
    texts = own_assets().texts

    assert texts.keys() == {"en", "ru"}
    plural = ("_one", "_few", "_many", "_other")
    stems = [
        {key.removesuffix(next((end for end in plural if key.endswith(end)), "")) for key in group}
        for words in texts.values()
        for group in words.values()
    ]
    assert stems[: len(stems) // 2] == stems[len(stems) // 2 :]


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A page of two modules and two more that can wait, two style sheets and a file of others."""
    sources = {
        "openapi.json": '{"info": {}}',
        "texts/en.json": "{}",
        "static/js/main.js": 'import { two } from "./model/two.js";\n\n/** Says\n * it. */\nsay(two);\n',
        "static/js/model/two.js": "/** Two. */\nexport const two = 2;\n",
        "static/js/zoom.js": 'import { four } from "./model/four.js";\nexport const five = four + 1;\n',
        "static/js/model/four.js": 'import { two } from "./two.js";\nexport const four = 2 * two;\n',
        "static/js/fleet.js": 'import { two } from "./model/two.js";\nsay(two + 1);\n',
        "static/js/push.js": 'import { two } from "./model/two.js";\nexport const six = 3 * two;\n',
        "static/js/machine.js": 'import { two } from "./model/two.js";\nsay(two + 2);\n',
        "static/css/fleet.css": "f {}\n",
        "static/css/ranges.css": "g {}\n",
        "static/css/base.css": "/* Base */\na {\n  b: c;\n}\n",
        "static/css/page.css": "d {}\n",
        "static/vendor/v1/theirs.css": "/* Theirs */ e {}\n",
        "static/vendor/v1/theirs.js": "/* Theirs */\n  x = 1\n",
    }
    for name, source in sources.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def test_the_address_of_the_files_changes_with_their_content(web: Path) -> None:
    before = load_assets(web).version
    (web / "static" / "js" / "model" / "two.js").write_text("export const two = 22;\n")

    assert load_assets(web).version != before


def test_the_page_s_own_files_are_joined_and_others_sent_as_published(web: Path) -> None:
    files = load_assets(web).files

    assert {name: file.plain for name, file in files.items()} == {
        "page.js": b"\nconst two = 2;\nsay(two);\nexport { two };\n",
        "zoom.js": b'import { two } from "./page.js";\n\nconst four = 2 * two;\nconst five = four + 1;\n'
        b"export { five };\n",
        "push.js": b'import { two } from "./page.js";\n\nconst six = 3 * two;\nexport { six };\n',
        "fleet.js": b"\nconst two = 2;\nsay(two + 1);\n",
        "machine.js": b"\nconst two = 2;\nsay(two + 2);\n",
        "page.css": b"/* Theirs */ e {}\n\na {\nb: c;\n}\nd {}\ng {}\n",
        "fleet.css": b"\na {\nb: c;\n}\nd {}\ng {}\nf {}\n",
        "vendor/v1/theirs.js": b"/* Theirs */\n  x = 1\n",
    }


def test_no_two_modules_give_a_name_to_different_things() -> None:
    first, second, third = (own_assets().files[name].plain.decode() for name in ("page.js", "zoom.js", "push.js"))
    script = first + second + third
    alone = {"fleet.js", "strip.js", "machine.js"}
    sources = [path.read_text() for path in (WEB / "static" / "js").rglob("*.js") if path.name not in alone]
    defines = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
    names = [name for source in sources for name in defines.findall(source)]

    assert len(names) == len(set(names))
    assert set(names) <= set(re.findall(r"\w+", script))
    assert re.findall(r"^(?:import|export)\b", script, re.MULTILINE) == ["export", *2 * ["import", "export"]]
    assert first.splitlines()[-1].startswith("export { ")
    assert second.splitlines()[0].startswith("import { ")


def test_only_what_a_browser_uses_is_served() -> None:
    served = own_assets().files

    assert {Path(name).suffix for name in served} == {".js", ".css", ".svg"}
    assert not [name for name in served if name.endswith(".d.ts")]
    assert json.dumps(sorted(served))
    assert (WEB / "templates" / "page.html").exists()


# Names that are searched for in our scripts, not used: a page that had one of them would fail this test.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|setHTML"
    r"|\beval\b|new Function|setAttribute\(\s*[\"']on|javascript:"
)
"""What would make markup or code of text: none of it may stand in a script of ours, whatever the policy forbids."""


def test_no_script_of_ours_makes_markup_or_code_of_text() -> None:
    scripts = list((WEB / "static" / "js").rglob("*.js"))

    assert len(scripts) > 10
    assert [path.name for path in scripts if MARKUP.search(path.read_text(encoding="utf-8"))] == []
    assert "|safe" not in (WEB / "templates" / "page.html").read_text(encoding="utf-8")
