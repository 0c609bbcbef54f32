"""Whose figures they are, by what is mounted over them."""

from pathlib import Path

import pytest

from cpusensor.kernel.mounts import MOUNTS, Mounts, is_in_container

PLAIN = "22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n28 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
LXCFS = "36 35 0:49 /proc/{0} /proc/{0} rw,nosuid - fuse.lxcfs lxcfs rw,user_id=0\n"
BOUND = "36 35 8:1 /tmp/stat /proc/stat rw - ext4 /dev/sda1 rw\n"


def mounts(root: Path, text: str) -> Mounts:
    (root / MOUNTS).parent.mkdir(parents=True, exist_ok=True)
    (root / MOUNTS).write_text(text)
    return Mounts(root)


def test_nothing_is_covered_where_the_kernel_itself_answers(tmp_path: Path) -> None:
    found = mounts(tmp_path, PLAIN)

    assert (found.covered, found.of_a_container) == (frozenset(), frozenset())


def test_what_lxcfs_makes_up_is_the_container_s(tmp_path: Path) -> None:
    found = mounts(tmp_path, PLAIN + LXCFS.format("stat") + LXCFS.format("loadavg"))

    assert found.covered == found.of_a_container == frozenset({"stat", "loadavg"})


def test_any_other_file_system_covers_and_is_not_the_container_s(tmp_path: Path) -> None:
    found = mounts(tmp_path, PLAIN + BOUND)

    assert (found.covered, found.of_a_container) == (frozenset({"stat"}), frozenset())


def test_a_system_without_a_list_of_mounts_covers_nothing(tmp_path: Path) -> None:
    assert Mounts(tmp_path).covered == frozenset()


@pytest.mark.parametrize(
    ("namespace", "release", "marker", "answer"),
    [
        ("pid:[4026531836]", "6.1.0-18-amd64", None, False),
        ("pid:[4026532310]", "6.1.0-18-amd64", None, True),
        ("pid:[4026532310]", "5.15.153.1-microsoft-standard-WSL2", None, False),
        ("pid:[4026532310]", "5.15.153.1-microsoft-standard-WSL2", ".dockerenv", True),
        (None, "6.1.0", None, False),
    ],
)
def test_a_container_has_its_own_processes_and_wsl_alone_is_none(
    tmp_path: Path, namespace: str | None, release: str, marker: str | None, *, answer: bool
) -> None:
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/osrelease").write_text(release)
    if namespace is not None:
        (tmp_path / "proc/self/ns/pid").symlink_to(namespace)
    if marker is not None:
        (tmp_path / marker).touch()

    assert is_in_container(tmp_path) is answer
