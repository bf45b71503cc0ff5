"""One container of a Docker engine: how commands and files enter it, how it ends."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from ..engine.faults import engine_faults, fault
from ..errors import CommandTimeout, EnvironmentFault
from . import docker_files
from .base import WATCH_SECONDS, CommandResult, Usage, Watch
from .capture import BoundedOutput
from .docker_engine import api_of
from .docker_process import usage_of
from .users import User

_REFUSED = re.compile(r"OCI runtime exec failed: (.*)", re.DOTALL)
"""What an engine answers, or writes on stdout, where runc couldn't start the program."""
_MISSING = re.compile(r"executable file not found|exec: \"[^\"]*\": stat [^:]*: no such file|exec [^:]*: no such file")
_INIT_FAILED = re.compile(r"exec (\S+: (no such file or directory|exec format error|permission denied))\n")
"""What runc writes on stderr, with exit code 1 or 255, where execve failed at last: a missing interpreter."""


class DockerContainer:
    """Made by DockerRuntime. A time-out of one command restarts it, and so kills those of all threads."""

    def __init__(self, container: Container, user: User) -> None:
        self._container = container
        self._api: Any = api_of(container)
        self._user = user
        self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        watch: Watch | None = None,
    ) -> CommandResult:
        """As Container.run."""
        if not argv:
            raise ValueError("no command given")
        self._require_open()
        began = time.monotonic()
        command = _Exec(self._api, self._create(argv, env, working_dir))
        try:
            command.thread.start()
            command.wait(timeout, watch)
            ended = not command.thread.is_alive()
        except BaseException:
            self._restart()
            raise
        if not ended:
            self._restart()
            command.thread.join(10)
            raise CommandTimeout(argv, timeout, stderr_tail=command.stderr.text())
        duration = time.monotonic() - began
        exit_code, stdout, stderr = self._outcome(argv, command)
        return CommandResult(tuple(argv), exit_code, stdout, stderr, duration)

    def _create(self, argv: Sequence[str], env: Mapping[str, str] | None, working_dir: str | None) -> str:
        try:
            made = self._api.exec_create(
                self._container.id, list(argv), environment=dict(env or {}), workdir=working_dir
            )
            return str(made["Id"])
        except APIError as error:
            if error.status_code in (404, 409):
                raise self._ended() from error
            raise fault(f"run {argv[0]!r}", error) from error

    def _outcome(self, argv: Sequence[str], command: _Exec) -> tuple[int, str, str]:
        if command.error is not None:
            if match := _REFUSED.search(str(command.error)):
                return _refusal(match[1])
            raise fault(f"run {argv[0]!r}", command.error) from command.error
        with engine_faults(f"tell how {argv[0]!r} ended"):
            exit_code = self._api.exec_inspect(command.identity)["ExitCode"]
        if exit_code is None:
            raise self._ended()
        stdout, stderr = command.stdout.text(), command.stderr.text()
        if exit_code >= 126 and not stderr and (match := _REFUSED.fullmatch(stdout)):
            return _refusal(match[1])
        if exit_code in (1, 255) and not stdout and (match := _INIT_FAILED.fullmatch(stderr)):
            return 127 if match[2].startswith("no such file") else 126, "", stderr
        return exit_code, stdout, stderr

    def copy_in(self, source: Path, target: str) -> None:
        """As Container.copy_in."""
        self._require_open()
        docker_files.copy_in(self._container, source, target, self._user)

    def copy_out(self, source: str, target: Path) -> None:
        """As Container.copy_out. The engine doesn't show what is mounted in the container: /proc, /dev/shm."""
        self._require_open()
        docker_files.copy_out(self._container, source, target)

    def usage(self) -> Usage:
        """As Container.usage, from the engine's statistics."""
        self._require_open()
        found = usage_of(self._container, without=1)
        if found is None:
            raise self._ended()
        return found

    def written(self, folder: str) -> int:
        """As Container.written: the engine only tells of all that was written."""
        self._require_open()
        return docker_files.bytes_written(self._container)

    def close(self) -> None:
        """As Container.close."""
        if self._closed:
            return
        self._closed = True
        with engine_faults("remove a container"), suppress(NotFound):
            self._container.remove(force=True, v=True)

    def _restart(self) -> None:
        """Kill all that runs in it, at once and with the pid namespace; what was written stays."""
        with engine_faults("restart a container after a time-out"):
            self._container.restart(timeout=0)

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError("the container is closed")

    def _ended(self) -> EnvironmentFault:
        cause = "it is gone"
        with suppress(APIError):
            self._container.reload()
            state = self._container.attrs["State"]
            cause = f"exit code {state['ExitCode']}" + (", out of memory" if state.get("OOMKilled") else "")
        return EnvironmentFault(f"the container ended by itself: {cause}", remedy="Look into the engine's log.")


def _refusal(message: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) for a program that the engine couldn't start."""
    text = re.sub(r"^(exec failed: )?(unable to start container process: )?", "", message.strip())
    text = re.sub(r": unknown(:.*)?$", "", text, flags=re.DOTALL)
    return 127 if _MISSING.search(text) else 126, "", f"{text if text.startswith('exec') else f'exec: {text}'}\n"


class _Exec:
    """Reads the output of one command, in a thread of its own, since the engine's stream can't be waited on.

    Not by docker-py's own `exec_start`, which asks for an upgraded connection and then reads its socket past
    the buffer that the answer's head was read with: output that comes together with the head is lost, and a
    quick command on a busy machine seems to have said nothing.
    """

    def __init__(self, api: Any, identity: str) -> None:
        self._api = api
        self.identity = identity
        self.stdout, self.stderr = BoundedOutput(), BoundedOutput()
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._read, daemon=True)

    def wait(self, timeout: float, watch: Watch | None) -> None:
        """Until the command has ended, `timeout` seconds at most. What `watch` raises goes through."""
        if watch is None:
            self.thread.join(timeout)
            return
        deadline, told = time.monotonic() + timeout, 0
        while self.thread.is_alive() and (left := deadline - time.monotonic()) > 0:
            self.thread.join(min(left, WATCH_SECONDS))
            data = self.stdout.since(told)
            told += len(data)
            watch(data)

    def _read(self) -> None:
        try:
            with self._api._post_json(
                self._api._url("/exec/{0}/start", self.identity),
                data={"Tty": False, "Detach": False},
                stream=True,
                timeout=None,  # a command may be silent for long
            ) as answer:
                self._api._raise_for_status(answer)
                # Frames: which stream (1 byte), 3 zeros, the length (big-endian), the output.
                while len(head := answer.raw.read(8)) == 8:
                    output = self.stderr if head[0] == 2 else self.stdout
                    output.feed(answer.raw.read(int.from_bytes(head[4:], "big")))
        except Exception as error:
            self.error = error
