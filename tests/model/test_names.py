import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.names import MAX_LENGTH, kernel_thread, printable, unit_at, with_main_process

HEX = "4f1c" + 60 * "a"
POD = "1b2c3d4e-0000-1111-2222-333344445555"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"postgres", "postgres"),
        (b"x) R 1 (y", "x) R 1 (y"),
        (b"<img/src onerro", "<img/src onerro"),
        ("сервис".encode(), "сервис"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\nid: 9\ndata: x", "a\ufffdid: 9\ufffddata: x"),
        (b"\x1b[2J", "\ufffd[2J"),
        ("gnp\u202etxt.exe".encode(), "gnp\ufffdtxt.exe"),
        (b"  ", "?"),
        (b"", "?"),
        (100 * b"a", MAX_LENGTH * "a"),
    ],
)
def test_a_process_may_call_itself_anything(raw: bytes, shown: str) -> None:
    assert printable(raw) == shown


@given(st.binary(max_size=200))
def test_whatever_it_is_called_the_name_is_one_short_line_of_text_that_says_itself_again(raw: bytes) -> None:
    name = printable(raw)

    assert 0 < len(name) <= MAX_LENGTH
    assert not any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for one in name)
    assert printable(name.encode()) == name


@pytest.mark.parametrize(
    ("path", "unit", "name"),
    [
        ("/", "/", "/"),
        ("/system.slice", "/system.slice", "system.slice"),
        ("/system.slice/nginx.service", "/system.slice/nginx.service", "nginx.service"),
        ("/system.slice/udevd.service/udev", "/system.slice/udevd.service", "udevd.service"),
        ("/user.slice/user-7.slice/user@7.service/app.slice/a.service/b", None, "a.service"),
        ("/user.slice/user-7.slice/session-3.scope", None, "session-3.scope"),
        (f"/docker/{HEX}", f"/docker/{HEX}", "docker-4f1c…"),
        (f"/docker/{HEX}/init.scope", f"/docker/{HEX}", "docker-4f1c…"),
        (f"/system.slice/docker-{HEX}.scope", None, "docker-4f1c…"),
        (f"/machine.slice/libpod-conmon-{HEX}.scope", None, "libpod-conmon-4f1c…"),
        (f"/user.slice/user@7.service/user.slice/libpod-{HEX}.scope/container", None, "libpod-4f1c…"),
        (f"/kubepods/burstable/pod{POD}/{HEX}", None, "pod-4f1c…"),
        (f"/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/cri-containerd-{HEX}.scope", None, None),
        (f"/../../system.slice/docker-{HEX}.scope", f"/system.slice/docker-{HEX}.scope", "docker-4f1c…"),
        ("/lxc.payload.web/init.scope", "/lxc.payload.web", "lxc.payload.web"),
        ("/a\x1b[2J", None, "a\ufffd[2J"),
    ],
)
def test_a_group_is_told_by_its_unit(path: str, unit: str | None, name: str | None) -> None:
    found = unit_at(path)

    assert found.path == (unit or found.path)
    assert found.name == (name or "cri-containerd-4f1c…")


def test_a_container_says_what_runs_in_it() -> None:
    found = unit_at(f"/docker/{HEX}")

    assert found.is_container
    assert with_main_process(found.name, "postgres") == "docker-4f1c… (postgres)"


def test_a_worker_of_the_kernel_is_told_without_its_work() -> None:
    assert kernel_thread("kworker/u4:2-events_unbound") == "kworker/u4:2"
    assert kernel_thread("kworker/0:1H+kblockd") == "kworker/0:1H"
    assert kernel_thread("irq/9-acpi") == "irq/9-acpi"
