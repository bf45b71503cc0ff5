"""A container whose process 1 is a command, and containers with limits, as every runtime does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_images import File, TinyImage, shell_image

from pytest_mediaimage.errors import EnvironmentFault
from pytest_mediaimage.runtime.base import FOLDER, NotStarted, Process, Resources, Runtime

Begin = Callable[..., Process]
PLACE = f"{FOLDER}/job"
DEAF = "sleep 600 & wait; wait"
HEARS = f"trap 'echo done >{PLACE}/said; exit 7' TERM; echo up; while :; do sleep 0.05; done"


@pytest.fixture
def begin(runtime: Runtime, tmp_path: Path) -> Iterator[Begin]:
    """`begin(argv, image=..., files=..., resources=...)` gives a process that the test needn't close."""
    made: list[Process] = []
    work = tmp_path / "work"
    work.mkdir()
    note = tmp_path / "note"
    note.write_text("brought in")

    def start(argv: list[str], image: TinyImage | None = None, **resources: object) -> Process:
        made.append(
            runtime.start_command(
                image or shell_image(),
                argv,
                work=work,
                files={f"{PLACE}/note": note},
                resources=Resources(**resources),  # type: ignore[arg-type]
            )
        )
        return made[-1]

    yield start
    for process in made:
        process.close()
    assert not list(work.iterdir())


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$; exit 4", 4)])
def test_the_exit_code_is_process_1s(begin: Begin, script: str, code: int) -> None:
    assert begin(["sh", "-c", script]).wait(20) == code  # process 1 can't even kill itself


def test_it_is_process_1_and_sees_what_was_brought_in(begin: Begin) -> None:
    process = begin(["sh", "-c", f"echo $$; cat {PLACE}/note; echo more >&2"])
    assert process.wait(20) == 0
    assert "1" in process.output.split("\n")  # what goes to stderr may come first
    assert "brought in" in process.output and "more" in process.output
    assert process.programs() == ()
    assert process.usage() is None


def test_sigterm_reaches_a_process_1_that_hears_it(begin: Begin, tmp_path: Path) -> None:
    process = begin(["sh", "-c", HEARS], shell_image(user="10001"))
    until(lambda: "up" in process.output)
    process.terminate()
    assert process.wait(20) == 7
    assert process.length_of(f"{PLACE}/said") == 5
    process.copy_out(f"{PLACE}/said", tmp_path / "said")
    assert (tmp_path / "said").read_text() == "done\n"
    with pytest.raises(FileNotFoundError):
        process.copy_out(f"{PLACE}/nothing", tmp_path / "nothing")


def test_sigterm_passes_by_a_process_1_that_handles_none(begin: Begin) -> None:
    process = begin(["sh", "-c", DEAF])
    until(lambda: process.programs() == ("sh", "sleep"))
    process.terminate()
    assert process.wait(1) is None
    process.kill()
    assert process.wait(20) == 137


def test_only_the_named_program_is_killed(begin: Begin) -> None:
    process = begin(["sh", "-c", "sleep 600; echo ended $?; cat; while :; do :; done"])
    until(lambda: process.programs() == ("sh", "sleep"))
    assert process.kill_program("sleep")
    until(lambda: "ended 137" in process.output)
    assert process.wait(0.2) is None


def test_a_small_file_system_is_full_soon(begin: Begin) -> None:
    script = f"head -c 200000 /dev/zero >{PLACE}/small/file || exit 9"
    assert begin(["sh", "-c", script], tmpfs={f"{PLACE}/small": 65536}).wait(20) == 9


@pytest.mark.parametrize("name", ["nonesuch", "/nonesuch", "/etc", "/bin/plain"])
def test_what_cannot_be_process_1_is_not_the_machines_fault(begin: Begin, name: str) -> None:
    with pytest.raises(NotStarted, match=name):
        begin([name], shell_image({"bin/plain": File(b"#!/bin/sh\n")}))


def test_a_missing_working_directory_is_made(begin: Begin) -> None:
    process = begin(["sh", "-c", "pwd"], shell_image(working_dir="/srv/app"))
    assert process.wait(20) == 0
    assert process.output.strip() == "/srv/app"


def test_what_processes_use_is_told(begin: Begin) -> None:
    process = begin(["sh", "-c", "while :; do :; done"])
    first = process.usage()
    assert first is not None and first.threads == 1 and first.memory > 0
    until(lambda: (process.usage() or first).cpu_seconds > first.cpu_seconds + 0.1)


def test_cpu_seconds_of_commands_add_up(start) -> None:
    container = start(shell_image())
    before = container.usage()
    container.run(["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"])
    after = container.usage()
    assert after.cpu_seconds > before.cpu_seconds
    assert before.threads == after.threads == 0


def test_a_hardened_container_takes_commands_and_files(runtime: Runtime, tmp_path: Path) -> None:
    container = runtime.start(shell_image({"tmp/old": File()}), work=tmp_path, resources=Resources(hardened=True))
    try:
        note = tmp_path / "note"
        note.write_text("in")
        container.copy_in(note, f"{FOLDER}/job/in/note")
        script = f"id -u; id -g; cat {FOLDER}/job/in/note >{FOLDER}/job/in/copy && echo >/tmp/mine && echo written"
        assert container.run(["sh", "-c", script]).stdout.split() == ["65534", "65534", "written"]
        for place in ("/etc/file", "/file"):
            refused = container.run(["sh", "-c", f"echo >{place}"])
            assert refused.exit_code != 0 and "Read-only" in refused.stderr
        lines = container.run(["cat", "/proc/self/status"]).stdout.splitlines()
        assert {line.split()[1] for line in lines if line.startswith(("CapEff", "CapPrm"))} == {"0" * 16}
        container.copy_out(f"{FOLDER}/job/in/copy", tmp_path / "copy")
        assert (tmp_path / "copy").read_text() == "in"
    finally:
        container.close()


def test_limits_hold_or_are_refused(runtime: Runtime, begin: Begin) -> None:
    script = ["sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done"]
    if not runtime.capabilities()["memory-limit"].available:
        for limit in ({"memory": 32_000_000}, {"cpus": 0.5}):
            with pytest.raises(EnvironmentFault, match="can't limit"):
                begin(script, **limit)
        return
    process = begin(script, memory=32_000_000, cpus=0.5)
    assert process.wait(60) == 137
    assert process.out_of_memory
    assert not begin(["sh", "-c", "exit 137"], memory=32_000_000).out_of_memory
