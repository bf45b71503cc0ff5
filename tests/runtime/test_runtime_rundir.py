"""Nothing outlives a run, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from strangers import HERE, REPOSITORY, environment

from pytest_mediaimage.runtime import rundir
from pytest_mediaimage.runtime.engine_http import IMAGES, LABEL
from pytest_mediaimage.runtime.rundir import RunDirectory, current, reap, start_watchdog

LIMIT = 10
"""Seconds within which all must be gone."""


def runs(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "runs").iterdir())


def processes(mark: str) -> list[int]:
    """The processes with `mark` as an argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (path / "cmdline").read_bytes().split(b"\0"):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def eventually(what: Any, limit: float = LIMIT) -> bool:
    deadline = time.monotonic() + limit
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def labelled(engine: Any, run_id: str) -> list[Any]:
    """The run's containers; asked at a low level, since others come and go meanwhile."""
    return list(engine.api.containers(all=True, filters={"label": f"{LABEL}={run_id}"}))


def tagged(engine: Any, run_id: str) -> list[Any]:
    return list(engine.api.images(filters={"reference": f"{IMAGES}/{run_id}"}))


@contextmanager
def owner(cache: Path, runtime: str, *more: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """(a process that runs something, its run id, what marks its commands)."""
    mark = f"8{os.getpid()}.{time.monotonic_ns() % 10**6:06}"
    process = subprocess.Popen(
        [sys.executable, HERE / "run_owner.py", cache, runtime, mark, *more],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            run_id = process.stdout.readline().strip()
            assert run_id, "the owner failed"
            yield process, run_id, mark
        finally:
            process.kill()


def test_directory_lives_as_long_as_the_run(tmp_path):
    run = RunDirectory(tmp_path)
    assert run.path == tmp_path / "runs" / run.run_id
    assert run.path.stat().st_mode & 0o777 == 0o700
    assert current(tmp_path) is run
    (run.path / "deep").mkdir(mode=0o000)
    run.close()
    run.close()
    assert runs(tmp_path) == []
    assert current(tmp_path) is None


def test_reap_spares_the_living(tmp_path):
    run = RunDirectory(tmp_path)
    assert reap(tmp_path) == []
    assert run.path.is_dir()
    run.close()
    assert reap(tmp_path / "none") == []


def test_reap_removes_the_dead(tmp_path):
    dead = tmp_path / "runs" / "1-dead"
    (dead / "sandbox-x" / "work" / "work").mkdir(parents=True)
    (dead / "sandbox-x" / "work" / "work").chmod(0)
    fresh = tmp_path / "runs" / ".new-fresh"
    fresh.mkdir()
    old = tmp_path / "runs" / ".new-old"
    old.mkdir()
    os.utime(old, (1, 1))
    lines = reap(tmp_path)
    assert len(lines) == 2
    assert any(str(dead) in line for line in lines)
    assert runs(tmp_path) == [".new-fresh"]


@pytest.mark.parametrize("host", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:9", "ssh://host", "nonsense"])
def test_reap_waits_for_an_engine_that_is_away(tmp_path, host):
    dead = tmp_path / "runs" / "1-dead"
    dead.mkdir(parents=True)
    (dead / "docker.json").write_text(json.dumps({"host": host}))
    assert reap(tmp_path) == ["left run 1-dead: its Docker engine doesn't answer"]
    assert dead.is_dir()
    os.utime(dead, (1, 1))
    assert any("removed directory" in line for line in reap(tmp_path))


def test_runs_of_other_processes(tmp_path):
    with owner(tmp_path, "sandbox", "unwatched") as (process, run_id, _):
        run = RunDirectory(tmp_path)
        assert runs(tmp_path) == sorted([run_id, run.run_id])
        assert reap(tmp_path) == []
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert any(run_id in line for line in reap(tmp_path))
        assert runs(tmp_path) == [run.run_id]
        run.close()


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_killed_run_with_the_sandbox(tmp_path, stop):
    with owner(tmp_path, "sandbox") as (process, run_id, mark):
        assert eventually(lambda: len(processes(mark)) >= 3)
        assert runs(tmp_path) == [run_id]
        os.killpg(process.pid, stop)
        process.wait()
        assert eventually(lambda: not processes(mark))
        assert eventually(lambda: runs(tmp_path) == [])
        assert eventually(lambda: not processes(str(tmp_path / "runs" / run_id)))


@pytest.mark.docker
def test_killed_run_with_docker(docker_engine, tmp_path):
    with owner(tmp_path, "docker") as (process, run_id, mark):
        assert len(labelled(docker_engine, run_id)) == 1
        assert tagged(docker_engine, run_id)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: not labelled(docker_engine, run_id))
        assert eventually(lambda: not tagged(docker_engine, run_id))
        assert eventually(lambda: runs(tmp_path) == [])
        assert not processes(mark)


@pytest.mark.docker
def test_reap_removes_what_docker_keeps(docker_engine, tmp_path):
    with owner(tmp_path, "docker", "unwatched") as (process, run_id, mark):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: processes(mark))
        before = set(sys.modules)
        lines = reap(tmp_path)
        assert "docker" in before or "docker" not in sys.modules
        assert sum("removed container" in line for line in lines) == 1
        assert sum(f"removed image {IMAGES}/{run_id}:" in line for line in lines) == 1
        assert sum("removed directory" in line for line in lines) == 1
        assert labelled(docker_engine, run_id) == tagged(docker_engine, run_id) == []
        assert not processes(mark)


def test_watchdog_goes_home(tmp_path):
    run = RunDirectory(tmp_path)
    start_watchdog(run)
    start_watchdog(run)
    assert eventually(lambda: len(processes(str(run.path))) == 1)
    run.close()
    assert processes(str(run.path)) == []


def test_watchdog_is_cheap_and_holds_no_output(tmp_path):
    times = []
    for _ in range(20):
        run = RunDirectory(tmp_path)
        began = time.perf_counter()
        start_watchdog(run)
        times.append(time.perf_counter() - began)
        assert eventually(lambda run=run: processes(str(run.path)))
        (watchdog,) = processes(str(run.path))
        held = {Path(f"/proc/{watchdog}/fd/{number}").readlink() for number in (1, 2)}
        assert held == {Path("/dev/null")}
        assert os.getsid(watchdog) == watchdog
        run.close()
    assert min(times) < 0.005


def test_watchdog_needs_the_standard_library_alone(tmp_path):
    """It runs without site-packages, so that it starts in a few ms and nothing there can break it."""
    code = "import sys; sys.path.append(sys.argv[1]); import pytest_mediaimage.runtime.watchdog; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, REPOSITORY], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in result.stdout.split()} - {"pytest_mediaimage", "__main__", "sitecustomize"}
    assert loaded <= sys.stdlib_module_names


def test_interrupted_removal_is_taken_up(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path)
    calls = []

    def flaky(path: Path) -> None:
        calls.append(path)
        if len(calls) < 3:
            raise OSError(39, "Directory not empty")
        remove(path)

    remove = rundir.remove_tree
    monkeypatch.setattr(rundir, "remove_tree", flaky)
    run.close()
    assert len(calls) == 3
    assert runs(tmp_path) == []
