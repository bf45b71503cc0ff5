"""What limits do in the sandbox, as a program: `cgroup_story.py CACHE [brief]`; it prints what it saw, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tiny_images import shell_image

from pytest_mediaimage.errors import EnvironmentFault
from pytest_mediaimage.runtime.base import Resources
from pytest_mediaimage.runtime.hierarchies import CONTROLLERS, PREFIX, find_hierarchies
from pytest_mediaimage.runtime.sandbox import SandboxRuntime
from pytest_mediaimage.runtime.sandbox_process import SandboxProcess

LIMIT = 32 << 20
EATS = "x=0123456789abcdef; while :; do x=$x$x; done"


def groups() -> list[Path]:
    """Those of ours that are there, of all runs."""
    return sorted(path for path in Path("/sys/fs/cgroup").glob(f"**/{PREFIX}*/"))


def tell(cache: Path, *, is_brief: bool) -> Iterator[tuple[str, object]]:
    before = Path("/proc/self/cgroup").read_text()
    try:
        found = find_hierarchies()
    except EnvironmentFault:
        found = {}
    yield "versions", [found[name].version for name in CONTROLLERS if name in found]
    work = cache / "work"
    work.mkdir(parents=True)
    runtime = SandboxRuntime(cache)
    can = runtime.capabilities()["memory-limit"]
    yield "available", can.available
    yield "reason", can.reason

    def start(script: str, *, cpus: float | None = None) -> SandboxProcess:
        limits = Resources(memory=LIMIT, cpus=cpus)
        return runtime.start_command(shell_image(), ["sh", "-c", script], work=work, files={}, resources=limits)

    try:
        start("exit 0").close()
    except EnvironmentFault as fault:
        yield "refused", str(fault)
        runtime.close()
        return
    if not is_brief:  # the runtime's own probe was killed for its memory
        eater = start(EATS)
        yield "killed", eater.wait(60)
        yield "out of memory", eater.out_of_memory
        yield "peak", eater.peak_memory
        eater.close()
        other = start("exit 137")
        yield "exit code 137 alone", [other.wait(60), other.out_of_memory]
        other.close()
    spinner = start("while :; do :; done", cpus=0.2)
    yield "moved meanwhile", Path("/proc/self/cgroup").read_text() != before
    folder = spinner.group.folders["cpu"]
    deadline = time.monotonic() + 30
    while _throttled(folder) == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    yield "throttled", _throttled(folder) > 0
    spinner.close()
    runtime.close()
    yield "left", [str(folder) for folder in groups()]
    yield "moved at the end", Path("/proc/self/cgroup").read_text() != before


def _throttled(folder: Path) -> int:
    words = (folder / "cpu.stat").read_text().split()
    return int(words[words.index("nr_throttled") + 1])


if __name__ == "__main__":
    print(json.dumps(dict(tell(Path(sys.argv[1]), is_brief="brief" in sys.argv))))  # noqa: T201
