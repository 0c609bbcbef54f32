from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.accounts import Accounts, Group, Process, Throttling
from cpusensor.model.attribution import Attribution, Recorded
from cpusensor.model.blame import Blame, Throttle, merge

BOOT_TIME = 1_000_000.0
ROOT, SLICE, NGINX = 1, 2, 3

AMOUNTS = st.integers(0, 1_000_000)


def process(  # noqa: PLR0913 - what a test says of one, by name
    pid: int, cpu_us: int, name: str = "sh", *, started_s: float = 1.0, unit: str = "nginx.service", root: bool = False
) -> Process:
    return Process(pid, cpu_us, started_s, name, unit, root, cpu_us)


def accounts(boottime: float, *processes: Process, root: int | None = None, nginx: int | None = None) -> Accounts:
    """A machine with one service in one slice; without `nginx`, no account of it."""
    groups = {}
    if root is not None:
        groups[ROOT] = Group("/", None, root)
    if nginx is not None:
        groups[SLICE] = Group("system.slice", ROOT, nginx)
        groups[NGINX] = Group("nginx.service", SLICE, nginx)
    return Accounts(
        boottime=boottime,
        groups=groups or None,
        processes={one.pid: one for one in processes},
        is_root_exact=root is not None,
    )


def recorded(busy_us: int = 0, time: int = 105) -> Recorded:
    return Recorded(time=time, since=time - 5, busy_us=busy_us, all_us=10_000_000)


def between(before: Accounts, after: Accounts, busy_us: int = 0) -> Blame:
    attribution = Attribution(BOOT_TIME)
    attribution.begin(before)
    blame = attribution.take(after, recorded(busy_us))
    assert blame is not None
    return blame


def named(blame: Blame) -> dict[str, int]:
    return {one.name: one.cpu_us for one in blame.processes}


def units(blame: Blame) -> dict[str, int]:
    return {one.name: one.cpu_us for one in blame.units}


def test_the_first_reading_explains_nothing() -> None:
    assert Attribution(BOOT_TIME).take(accounts(100.0), recorded()) is None


def test_a_process_is_told_with_its_unit_its_pid_and_when_it_was_started() -> None:
    blame = between(accounts(100.0, process(7, 1000)), accounts(105.0, process(7, 4000)))

    (share,) = blame.processes
    assert (share.name, share.unit, share.pid, share.cpu_us) == ("sh", "nginx.service", 7, 3000)
    assert share.started == BOOT_TIME + 1


def test_all_that_a_process_used_since_it_began_between_the_readings_is_new() -> None:
    assert named(between(accounts(100.0), accounts(105.0, process(7, 4000, started_s=101.0)))) == {"sh": 4000}


def test_a_pid_that_was_another_s_owes_it_nothing() -> None:
    before = accounts(100.0, process(7, 1000, "old"))

    assert named(between(before, accounts(105.0, process(7, 4000, "new", started_s=103.0)))) == {"new": 4000}


def test_what_a_process_used_before_it_could_be_read_is_nobody_s_guess() -> None:
    assert named(between(accounts(100.0), accounts(105.0, process(7, 9_000_000, started_s=3.0)))) == {}


def test_a_process_that_called_exec_has_its_new_name() -> None:
    before = accounts(100.0, process(7, 1000, "sh"))

    assert named(between(before, accounts(105.0, process(7, 4000, "ffmpeg")))) == {"ffmpeg": 3000}


def test_children_that_came_and_went_are_what_the_group_has_above_its_living_members() -> None:
    before = accounts(100.0, process(7, 1000), root=50_000, nginx=20_000)
    after = accounts(105.0, process(7, 4000), root=62_000, nginx=30_000)

    blame = between(before, after, busy_us=13_000)

    assert units(blame) == {"nginx.service": 10_000, "/": 2000}
    assert (named(blame), blame.exited_us) == ({"sh": 3000}, 9000)
    assert (blame.unattributed_us_by_unit, blame.unattributed_us_by_process) == (1000, 1000)


def test_where_the_root_has_no_account_of_its_own_its_living_members_make_one() -> None:
    kernel = process(2, 500, "kworker/0:1", unit="/", root=True)
    before = accounts(100.0, kernel, process(7, 1000), nginx=20_000)
    after = accounts(105.0, replace(kernel, cpu_us=900), process(7, 4000), nginx=30_000)

    blame = between(before, after, busy_us=10_000)

    assert units(blame) == {"nginx.service": 10_000, "/": 400}
    assert (blame.exited_us, blame.excess_us_by_unit, blame.excess_us_by_process) == (7000, 400, 400)


def test_without_control_groups_a_unit_is_what_its_processes_are() -> None:
    before = accounts(100.0, process(7, 1000), process(8, 1000, unit=""))
    after = accounts(105.0, process(7, 4000), process(8, 1500, unit=""))

    blame = between(before, after)

    assert (units(blame), blame.exited_us) == ({"nginx.service": 3000, "/": 500}, 0)


def test_without_processes_nothing_has_exited() -> None:
    before = replace(accounts(100.0, root=50_000, nginx=0), processes=None)
    after = replace(accounts(105.0, root=60_000, nginx=0), processes=None)

    blame = between(before, after, busy_us=10_000)

    assert (units(blame), blame.processes, blame.exited_us) == ({"/": 10_000}, (), 0)


def test_a_group_that_is_gone_leaves_its_time_to_the_one_above_it() -> None:
    before = accounts(100.0, root=50_000, nginx=20_000)
    after = accounts(105.0, root=60_000)

    assert units(between(before, after)) == {"/": 10_000}


def test_a_group_that_was_made_again_is_another_one() -> None:
    before = accounts(100.0, root=50_000, nginx=1000)
    again = {
        ROOT: Group("/", None, 60_000),
        SLICE: Group("system.slice", ROOT, 9000),
        4: Group("nginx.service", SLICE, 5000),
    }

    assert units(between(before, replace(before, groups=again))) == {
        "nginx.service": 5000,
        "system.slice": 3000,
        "/": 2000,
    }


def test_a_limit_counts_from_the_reading_before_and_only_where_it_ever_held_somebody_back() -> None:
    def limited(at: float, ran: Throttling, held: Throttling) -> Accounts:
        groups = {1: Group("idle.service", None, int(at), ran), 2: Group("build.service", None, int(at), held)}
        return replace(accounts(at), groups=groups)

    before = limited(100.0, Throttling(70, 0, 0), Throttling(900, 0, 0))
    blame = between(before, limited(105.0, Throttling(120, 0, 0), Throttling(950, 36, 4000)))

    assert blame.throttles == (Throttle(unit="build.service", periods=50, throttled=36, throttled_us=4000),)
    assert blame.throttles[0].percent == 72


@pytest.mark.parametrize("skew", [300, 5000])
def test_what_seems_used_too_early_is_not_counted_twice(skew: int) -> None:
    attribution = Attribution(BOOT_TIME)
    attribution.begin(accounts(100.0, process(7, 0), root=0))
    # The process was read after the group, and ran meanwhile.
    first = attribution.take(accounts(105.0, process(7, 10_000 + skew), root=10_000), recorded(10_000))
    second = attribution.take(accounts(110.0, process(7, 20_000), root=20_000), recorded(10_000, time=110))

    assert first is not None
    assert second is not None
    whole = merge([first, second])
    assert (named(whole), whole.exited_us, whole.excess_us_by_process) == ({"sh": 20_000}, 0, 0)


@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=5),
    st.lists(AMOUNTS, min_size=5, max_size=5),
)
def test_over_any_readings_names_are_what_the_accounts_rose_by(
    steps: list[tuple[int, int, int]], busy: list[int]
) -> None:
    """A service with a living process and with children that exit, and a process in the root."""
    attribution = Attribution(BOOT_TIME)
    living = exited = other = 0
    attribution.begin(accounts(100.0, process(7, 0), process(8, 0, "init", unit="/"), root=0, nginx=0))
    blames = []
    for number, (more_living, more_exited, more_other) in enumerate(steps):
        living, exited, other = living + more_living, exited + more_exited, other + more_other
        total = living + exited
        members = process(7, living), process(8, other, "init", unit="/")
        now = accounts(105.0 + 5 * number, *members, root=total + other, nginx=total)
        blames.append(attribution.take(now, recorded(busy[number], time=105 + 5 * number)))

    whole = merge([blame for blame in blames if blame is not None])

    assert sum(units(whole).values()) == living + exited + other
    assert units(whole).get("nginx.service", 0) == living + exited
    assert named(whole) == {name: spent for name, spent in (("sh", living), ("init", other)) if spent}
    assert whole.exited_us == exited
