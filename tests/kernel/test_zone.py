import os
from pathlib import Path

import pytest

from cpusensor.kernel.zone import machine_zone, zone_of

PARIS, RIGA = "Europe/Paris", "Europe/Riga"


def set_up(root: Path, named: str | None = None, linked: str | None = None) -> Path:
    """What a machine says of its zone."""
    (root / "etc").mkdir()
    if named is not None:
        (root / "etc/timezone").write_text(named)
    if linked is not None:
        (root / "etc/localtime").symlink_to(linked)
    return root


@pytest.mark.parametrize(
    ("variable", "named", "linked", "zone"),
    [
        (RIGA, f"{PARIS}\n", None, RIGA),
        (f":{RIGA}", f"{PARIS}\n", None, RIGA),
        ("UTC", f"{PARIS}\n", None, "UTC"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", f"{PARIS}\n", None, PARIS),
        ("Middle/Earth", f"{PARIS}\n", None, PARIS),
        ("", None, f"/usr/share/zoneinfo/{RIGA}", RIGA),
        (None, f"{PARIS}\n", f"/usr/share/zoneinfo/{RIGA}", PARIS),
        (None, "../../etc/passwd\n", f"../usr/share/zoneinfo/{RIGA}", RIGA),
        (None, None, "/var/db/timezone/zoneinfo/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        (None, "Europe\n", "/usr/share/zoneinfo/posix/Europe/Riga", "UTC"),
        (None, "\xff" * 5000, "/etc/elsewhere", "UTC"),
        (None, None, None, "UTC"),
    ],
)  # fmt: skip
def test_the_first_that_names_a_zone_is_believed(
    tmp_path: Path, variable: str | None, named: str | None, linked: str | None, zone: str
) -> None:
    assert zone_of(variable, set_up(tmp_path, named, linked)) == zone


def test_a_plain_file_in_place_of_the_link_says_nothing(tmp_path: Path) -> None:
    (set_up(tmp_path) / "etc/localtime").write_bytes(b"TZif2")

    assert zone_of(None, tmp_path) == "UTC"


def test_the_machine_s_own_is_one_that_the_variable_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", RIGA)

    assert machine_zone() == RIGA
