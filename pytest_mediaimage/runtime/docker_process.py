"""A container of a Docker engine whose process 1 is a command of the image."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound
from docker.models.containers import Container
from requests.exceptions import RequestException

from ..engine.faults import engine_faults
from . import docker_files
from .base import Usage
from .docker_engine import api_of
from .elf import INIT

_REFUSED = re.compile(r"executable file not found|no such file or directory|permission denied|exec format error")
_OUTPUT = 1 << 20


def is_refusal(error: APIError) -> bool:
    """Whether an engine's answer to a start says that the program can't be executed, not that the engine failed."""
    words = str(error.explanation or "")
    return "runtime create failed" in words and _REFUSED.search(words) is not None


def usage_of(container: Container, *, without: int = 0) -> Usage | None:
    """What the engine counts for a container that runs, None for one that doesn't; `without` threads are ours."""
    api = api_of(container)
    with engine_faults("tell what a container uses"):
        found: dict[str, Any] = api.stats(container.id, stream=False, one_shot=True)
    if not found.get("pids_stats", {}).get("current"):
        return None
    memory = found["memory_stats"].get("stats", {})
    held = memory.get("total_rss", memory.get("anon", 0)) + memory.get("shmem", 0)  # cgroup v1, v2
    seconds = found["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return Usage(seconds, held, max(found["pids_stats"]["current"] - without, 0))


class DockerProcess:
    """Made by DockerRuntime."""

    def __init__(self, container: Container, *, is_local: bool) -> None:
        self._container = container
        self._is_local = is_local
        self._closed = False

    def wait(self, timeout: float) -> int | None:
        """As Process.wait."""
        deadline = time.monotonic() + timeout
        while True:
            state = self._state()
            if not state["Running"]:
                return int(state["ExitCode"])
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.05)

    def _state(self) -> dict[str, Any]:
        with engine_faults("tell whether a container runs"):
            self._container.reload()
        state: dict[str, Any] = self._container.attrs["State"]
        return state

    def terminate(self) -> None:
        """As Process.terminate."""
        self._signal("SIGTERM")

    def kill(self) -> None:
        """As Process.kill."""
        self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        try:
            with engine_faults(f"send {name} to a container"):
                self._container.kill(signal=name)
        except Exception:
            if self._state()["Running"]:
                raise

    def programs(self) -> tuple[str, ...]:
        """As Process.programs."""
        return tuple(name for _, name in self._tasks())

    def _tasks(self) -> Iterator[tuple[int, str]]:
        """Process ids as the engine's machine counts them, and names; nothing after the end."""
        try:
            listed = self._container.top(ps_args="-eo pid,comm")
        except APIError:
            return
        for row in listed["Processes"] or ():
            yield int(row[0]), row[1]

    def kill_program(self, name: str) -> bool:
        """As Process.kill_program: by this machine's kill(2) where that may be, else `init k` where no other runs."""
        _, *others = list(self._tasks()) or [(0, "")]
        named = [pid for pid, program in others if program == name]
        if self._is_local and all(self._is_ours(pid) for pid in named):
            try:
                for pid in named:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return True
            except PermissionError:
                pass
        if len(named) != len(others):
            return False
        with engine_faults("kill a process in a container"):
            self._container.exec_run([INIT, "k"], user="0")
        return True

    def _is_ours(self, pid: int) -> bool:
        """An engine in a virtual machine counts its own processes: no process of this machine's may be killed."""
        try:
            return str(self._container.id) in Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return False

    def length_of(self, path: str) -> int | None:
        """As Process.length_of."""
        return docker_files.length_of(self._container, path)

    def copy_out(self, source: str, target: Path) -> None:
        """As Process.copy_out."""
        docker_files.copy_out(self._container, source, target)

    def usage(self) -> Usage | None:
        """As Process.usage."""
        return usage_of(self._container)

    def written(self) -> int:
        """As Process.written."""
        return docker_files.bytes_written(self._container)

    @property
    def out_of_memory(self) -> bool:
        """As Process.out_of_memory."""
        return bool(self._state().get("OOMKilled"))

    peak_memory = None
    """Engines don't tell it after the end."""

    @property
    def output(self) -> str:
        """As Process.output; the last of it, where there is more."""
        with engine_faults("read a container's output"):
            try:
                text: bytes = self._container.logs(tail=2000)
            except (APIError, RequestException):
                return ""
        return text[-_OUTPUT:].decode(errors="replace")

    def close(self) -> None:
        """As Process.close."""
        if self._closed:
            return
        self._closed = True
        with engine_faults("remove a container"), suppress(NotFound):
            self._container.remove(force=True, v=True)
