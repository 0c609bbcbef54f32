"""Control groups: made up in a folder, and the kernel's own where this user may make some."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cpusensor.kernel.accounts import SystemAccounts
from cpusensor.kernel.groups import MAX_KEPT, Groups, Hierarchy, find_hierarchy, throttling_in
from cpusensor.kernel.mounts import Scope
from cpusensor.model.accounts import Sight, Throttling
from tests.bench.names_loads import Load, commands, program
from tests.obeying import Watch, obeying
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the control groups of Linux")

ID = "4f1c" + 60 * "a"


class Tree:
    """A hierarchy of v2, or of v1, in a folder."""

    def __init__(self, root: Path, *, is_v1: bool) -> None:
        self._is_v1 = is_v1
        self.folder = root
        self.opened: list[Groups] = []
        self.write("/", 0)
        if is_v1:
            (root / "release_agent").write_text("")

    def write(self, path: str, cpu_us: int, limit: Throttling | None = None) -> None:
        folder = self.folder / path[1:]
        folder.mkdir(parents=True, exist_ok=True)
        counts = f"nr_periods {limit.periods}\nnr_throttled {limit.throttled}\n" if limit else ""
        if self._is_v1:
            (folder / "cpuacct.usage").write_text(f"{1000 * cpu_us}\n")
            waited = f"throttled_time {1000 * limit.throttled_us}\n" if limit else ""
            (folder / "cpu.stat").write_text(f"{counts}{waited}nr_bursts 0\nburst_time 0\n")
        else:
            waited = f"throttled_usec {limit.throttled_us}\n" if limit else ""
            account = f"usage_usec {cpu_us}\nuser_usec 0\nsystem_usec 0\n"
            (folder / "cpu.stat").write_text(f"{account}{counts}{waited}nr_bursts 0\nburst_usec 0\n")

    def remove(self, path: str) -> None:
        shutil.rmtree(self.folder / path[1:])

    def groups(self) -> Groups:
        file, controller = ("cpuacct.usage", "cpuacct") if self._is_v1 else ("cpu.stat", "")
        hierarchy = Hierarchy(
            mount_point=self.folder, controller=controller, file=file, is_root_exact=True, limits=self.folder
        )
        self.opened.append(Groups(hierarchy, self.folder / "no-proc"))
        return self.opened[-1]


@pytest.fixture(params=["v1", "v2"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tree]:
    one = Tree(tmp_path / "tree", is_v1=request.param == "v1")
    yield one
    for groups in one.opened:
        groups.close()


def read(groups: Groups) -> dict[str, int]:
    return {one.name: one.cpu_us for one in groups.read().values()}


def test_every_unit_has_its_account(tree: Tree) -> None:
    tree.write("/", 900)
    tree.write("/system.slice", 500)
    tree.write("/system.slice/nginx.service", 300)
    tree.write(f"/docker/{ID}", 100)
    tree.write("/docker", 100)

    assert read(tree.groups()) == {
        "/": 900, "system.slice": 500, "nginx.service": 300, "docker": 100, "docker-4f1c…": 100,
    }  # fmt: skip


def test_how_a_limit_held_a_group_back_is_read_with_its_account(tree: Tree) -> None:
    tree.write("/build.service", 300, Throttling(50, 40, 7000))
    tree.write("/idle.service", 300, Throttling(0, 0, 0))
    tree.write("/nginx.service", 300)
    found = {one.name: one.throttling for one in tree.groups().read().values()}

    assert found == {"/": None, "build.service": Throttling(50, 40, 7000), "idle.service": None, "nginx.service": None}


def test_what_a_unit_makes_inside_is_not_looked_at(tree: Tree) -> None:
    tree.write("/nginx.service", 300)
    tree.write("/nginx.service/worker", 300)

    assert read(tree.groups()) == {"/": 0, "nginx.service": 300}


def test_below_an_account_that_stood_still_nothing_is_read(tree: Tree) -> None:
    tree.write("/system.slice", 500)
    tree.write("/system.slice/nginx.service", 300)
    groups = tree.groups()
    groups.read()
    tree.write("/system.slice/nginx.service", 400)

    assert read(groups)["nginx.service"] == 300
    tree.write("/", 1)
    assert read(groups)["nginx.service"] == 300
    tree.write("/", 2)
    tree.write("/system.slice", 600)
    assert read(groups)["nginx.service"] == 400


def test_groups_come_and_go(tree: Tree) -> None:
    tree.write("/a.service", 1)
    groups = tree.groups()
    groups.read()
    tree.write("/", 1)
    tree.write("/b.service", 5)

    assert read(groups) == {"/": 1, "a.service": 1, "b.service": 5}
    tree.write("/", 2)
    tree.remove("/a.service")
    assert read(groups) == {"/": 2, "b.service": 5}


def test_more_groups_than_descriptors_are_kept_are_all_read(tree: Tree) -> None:
    for number in range(MAX_KEPT + 10):
        tree.write(f"/{number}.service", number)
    before = descriptors()
    groups = tree.groups()

    assert sum(read(groups).values()) == sum(range(MAX_KEPT + 10))
    assert descriptors() - before == MAX_KEPT
    tree.opened.pop().close()
    assert descriptors() == before


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def mounted(root: Path, *lines: str) -> None:
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "mountinfo").write_text("".join(f"{line}\n" for line in lines))


V1 = "30 24 0:27 / /sys/v1 rw shared:9 - cgroup cgroup rw,cpu,cpuacct"
V2 = "31 24 0:28 / /sys/v2 rw shared:9 - cgroup2 cgroup2 rw,nsdelegate"


def test_of_two_versions_the_one_with_more_groups_is_read(tmp_path: Path) -> None:
    mounted(tmp_path, V2, V1)
    old, new = Tree(tmp_path / "sys" / "v1", is_v1=True), Tree(tmp_path / "sys" / "v2", is_v1=False)
    new.write("/system.slice", 0)
    found = find_hierarchy(tmp_path)

    assert found is not None
    assert (found.controller, found.is_root_exact) == ("", False)
    old.write("/docker", 0)
    # The root of v1 has an exact account.
    assert getattr(find_hierarchy(tmp_path), "controller", None) == "cpuacct"


def test_a_container_s_own_groups_are_not_the_machine_s(tmp_path: Path) -> None:
    mounted(tmp_path, V2)
    tree = Tree(tmp_path / "sys" / "v2", is_v1=False)
    (tree.folder / "cgroup.type").write_text("domain\n")
    found = find_hierarchy(tmp_path, of_container=True)

    assert find_hierarchy(tmp_path) is None
    assert found is not None
    assert found.is_root_exact


def test_what_can_be_seen_is_told(tmp_path: Path) -> None:
    mounted(tmp_path, V1)
    Tree(tmp_path / "sys" / "v1", is_v1=True)

    def sight(scope: Scope) -> Sight:
        return SystemAccounts(scope, with_processes=True, root=tmp_path).sight

    assert sight(Scope.HOST) is Sight.NO_PROCESSES
    # Another user's first process cannot be looked at.
    assert sight(Scope.MACHINE) is Sight.HIDDEN
    (tmp_path / "proc" / "1").mkdir()
    (tmp_path / "proc" / "1" / "stat").write_text("1 (init) S " + "0 " * 49)
    assert sight(Scope.MACHINE) is Sight.CLEAR
    (tmp_path / "proc" / "self" / "mountinfo").write_text("")
    assert sight(Scope.MACHINE) is Sight.NO_UNITS
    assert sight(Scope.HOST) is Sight.BLIND


@pytest.fixture
def own_group() -> Iterator[Path]:
    """A group of the kernel's own, and those below it."""
    hierarchy = find_hierarchy()
    if hierarchy is None or not os.access(hierarchy.mount_point, os.W_OK):
        pytest.skip("this user may make no control group")
    folder = hierarchy.mount_point / f"cpusensor-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this user may make no control group")
    yield folder
    for one in (*(path for path in folder.iterdir() if path.is_dir()), folder):
        one.rmdir()


def test_the_kernel_charges_a_container_with_its_children_that_came_and_went(own_group: Path, watch: Watch) -> None:
    container = own_group / f"docker-{ID}.scope"
    container.mkdir()
    with obeying() as one:
        (container / "cgroup.procs").write_text(f"{one.pid}\n")
        watch.begin()
        one.do("burn 0.1")
        one.do("child 0.2")
        blame = watch.blame()

    (unit,) = [share for share in blame.units if share.name.startswith("docker-4f1c… (python")]
    (process,) = [share for share in blame.processes if share.pid == one.pid]
    assert process.unit == unit.name
    assert unit.cpu_us >= 300_000
    assert unit.cpu_us - process.cpu_us >= 200_000


def test_a_group_of_the_kernel_that_is_removed_and_made_again_at_once_is_another(own_group: Path, watch: Watch) -> None:
    service = own_group / "test.service"
    service.mkdir()
    with obeying() as one:
        (service / "cgroup.procs").write_text(f"{one.pid}\n")
        one.do("burn 0.1")
        watch.begin()
        (own_group / "cgroup.procs").write_text(f"{one.pid}\n")
        service.rmdir()
        service.mkdir()
        (service / "cgroup.procs").write_text(f"{one.pid}\n")
        one.do("burn 0.2")
        blame = watch.blame()

    (unit,) = [share for share in blame.units if share.name == "test.service"]
    assert unit.cpu_us >= 0.2e6
    assert [share.unit for share in blame.processes if share.pid == one.pid] == ["test.service"]


@pytest.fixture
def limited() -> Iterator[Path]:
    """A group of the kernel's own that may use a fifth of a CPU."""
    hierarchy = find_hierarchy()
    # In v2 the root hands the controller down; in v1 it is a hierarchy of its own.
    where = None if hierarchy is None else hierarchy.limits if hierarchy.controller else hierarchy.mount_point
    if where is None or not os.access(where, os.W_OK):
        pytest.skip("this user may limit no control group")
    folder = where / f"cpusensor-limited-{os.getpid()}.service"
    folder.mkdir()
    try:
        if (folder / "cpu.cfs_quota_us").exists():
            (folder / "cpu.cfs_quota_us").write_text("20000\n")
        elif (folder / "cpu.max").exists():
            (folder / "cpu.max").write_text("20000 100000\n")
        else:
            pytest.skip("the controller cpu of v2 is not handed down to new groups here")
        yield folder
    finally:
        wait_until(lambda: not (folder / "cgroup.procs").read_text(), f"{folder} is not empty")
        folder.rmdir()


def test_the_kernel_tells_how_a_limit_of_its_own_held_a_group_back(limited: Path, watch: Watch) -> None:
    hierarchy = find_hierarchy()
    assert hierarchy is not None
    account = hierarchy.mount_point / limited.name
    account.mkdir(exist_ok=True)
    with obeying() as one:
        for folder in {account, limited}:
            (folder / "cgroup.procs").write_text(f"{one.pid}\n")
        watch.begin()
        one.do("burn 0.15")
        blame = watch.blame()
        told = throttling_in((limited / "cpu.stat").read_bytes())
    if account != limited:
        wait_until(lambda: not (account / "cgroup.procs").read_text(), f"{account} is not empty")
        account.rmdir()

    (held,) = [throttle for throttle in blame.throttles if throttle.unit == limited.name]
    assert told is not None
    # 20 ms in each 100 ms: 150 ms take eight periods, nearly all of them used up.
    assert 4 <= held.throttled <= held.periods <= told.periods
    assert 0 < held.throttled_us <= told.throttled_us


@pytest.mark.usefixtures("own_group")
def test_a_storm_of_children_is_told_as_it_is_charged(watch: Watch) -> None:
    hierarchy = find_hierarchy()
    assert hierarchy is not None
    with program("storm", hierarchy, *commands()["storm of children"]) as storm:
        # What is read before and after each reading encloses what it can have read.
        low = _group_us(storm)
        watch.begin()
        high = _group_us(storm)
        wait_until(lambda: _group_us(storm) > high + 300_000, "the storm does nothing")
        late = _group_us(storm)
        blame = watch.blame()
        later = _group_us(storm)

    (unit,) = [share for share in blame.units if share.name == storm.unit]
    living = sum(share.cpu_us for share in blame.processes if share.unit == storm.unit)
    assert late - high <= unit.cpu_us <= later - low
    # Of 200 children a second hardly any lives when it is looked for.
    assert living < unit.cpu_us / 2
    assert blame.exited_us >= unit.cpu_us - living - 50_000


def _group_us(load: Load) -> int:
    used = load.group_us()
    assert used is not None
    return used
