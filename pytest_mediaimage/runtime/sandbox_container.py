"""One container of the sandbox: how it starts, how commands and files enter it, how it ends.

Its pid 1 is `elf.INIT`, which ends when its stdin closes: a socket whose other end this process alone
holds. So a killed pytest leaves nothing running, and which thread started the container doesn't matter
(bubblewrap's --die-with-parent would end it with the thread). Commands enter by nsenter.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath

from ..errors import CommandTimeout, EnvironmentFault, SandboxUnavailable, UsageError
from ..removal import remove_tree
from ..storage import storage_faults
from . import inroot
from .base import DEFAULT_PATH, CommandResult, Usage, Watch
from .bubblewrap import command_line
from .capture import collect, cpu_seconds
from .cgroups import ControlGroup, entering
from .elf import INIT
from .hostfile import write_whole
from .tasks import tasks_of
from .userns import refusal
from .users import User

_START_LIMIT = 30.0
"""Seconds that a start may take."""


def launch(
    program: Path,
    nsenter: str,
    *,
    lower: tuple[Path, ...],
    scratch: Path,
    on_disk: bool,
    user: User,
    nodes: tuple[str, ...] = (),
    folder: Path | None = None,
    tmpfs: Mapping[str, int] | None = None,
    read_only: bool = False,
    group: ControlGroup | None = None,
) -> SandboxContainer:
    """Start a container over the layers `lower`; `scratch` holds `upper` and `work`, used where `on_disk`.

    It is given the device `nodes` of this machine, and runs in `group`. The container removes `scratch` and `group`
    when it is closed. Raises SandboxUnavailable.
    """
    hostname = f"sandbox-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        lifeline, other_end = socket.socketpair()
        stack.callback(other_end.close)
        on_failure = stack.enter_context(ExitStack())
        on_failure.callback(lifeline.close)
        info, info_writer = os.pipe()
        stack.callback(os.close, info)
        messages = stack.enter_context(tempfile.TemporaryFile())
        command = command_line(
            program,
            lower=lower,
            scratch=scratch if on_disk else None,
            uid=user.uid,
            gid=user.gid,
            hostname=hostname,
            info_descriptor=info_writer,
            nodes=nodes,
            folder=folder,
            tmpfs=tmpfs,
            read_only=read_only,
        )
        try:
            bubblewrap = subprocess.Popen(
                [*entering(group), *command],
                stdin=other_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=messages,
                env={},
                pass_fds=[info_writer],
                start_new_session=True,  # or Ctrl-C would end it before the tests are torn down
            )
        except OSError as error:
            raise SandboxUnavailable(f"{program} can't be started: {error.strerror}") from error
        finally:
            os.close(info_writer)
        other_end.close()
        lifeline.settimeout(_START_LIMIT)
        try:
            started = lifeline.recv(1) == b"w"
        except OSError:
            started = False
        if not started:
            bubblewrap.kill()
            bubblewrap.wait()
            messages.seek(0)
            raise refusal(messages.read(4096).decode(errors="replace"))
        pid = int(json.loads(os.read(info, 4096))["child-pid"])
        on_failure.pop_all()
    return SandboxContainer(bubblewrap, lifeline, pid, nsenter, scratch, hostname, group)


class SandboxContainer:
    """Made by `launch`. Thread-safe, but a time-out of one command kills those of all threads."""

    def __init__(
        self,
        bubblewrap: subprocess.Popen[bytes],
        lifeline: socket.socket,
        pid: int,
        nsenter: str,
        scratch: Path,
        hostname: str,
        group: ControlGroup | None = None,
    ) -> None:
        self._bubblewrap = bubblewrap
        self._lifeline = lifeline
        self._pid = pid
        self._scratch = scratch
        self.group = group
        self._enter = [nsenter, f"--target={pid}", "--user", "--preserve-credentials", "--mount", "--pid", "--net"]
        self._enter += ["--ipc", "--uts", "--root"]
        self._env = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, "HOME": "/"}
        self._working_dir = "/"
        self._ended_cpu_seconds = 0.0
        self._closed = False

    def configure(self, env: Mapping[str, str], working_dir: str, home: str) -> None:
        """Take over what the image's configuration says; a missing working directory is made, as Docker does."""
        self._env |= {"HOME": home, **env}
        self._working_dir = working_dir
        try:
            with inroot.open_root(self.root) as root:
                inroot.make_directory(root, working_dir)
        except NotADirectoryError as error:
            raise UsageError(
                f"the image's working directory {working_dir} isn't one", remedy="Mend its WORKDIR."
            ) from error

    @property
    def root(self) -> Path:
        """The container's root directory, for `inroot`. Raises EnvironmentFault where the container ended."""
        if self._closed:
            raise ValueError("the container is closed")
        if self._bubblewrap.poll() is not None:  # then the pid may be another process's
            raise EnvironmentFault(
                f"the container ended by itself (status {self._bubblewrap.returncode})",
                remedy="Look for the kernel's out-of-memory killer in dmesg.",
            )
        return Path(f"/proc/{self._pid}/root")

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
        began = time.monotonic()
        environment = {**self._env, **(env or {})}
        directory = working_dir or self._working_dir
        program, complaint, exit_code = self._find(argv[0], environment.get("PATH", ""), directory)
        if complaint:
            return CommandResult(tuple(argv), exit_code, "", f"exec: {complaint}\n", time.monotonic() - began)
        settings = [f"{name}={value}" for name, value in environment.items()]
        # nsenter itself gets an empty environment: an image's LD_LIBRARY_PATH or LD_PRELOAD isn't for the host.
        process = None
        try:
            process = subprocess.Popen(
                [*entering(self.group), *self._enter, INIT, program, directory, *settings, "", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={},
                start_new_session=True,
                umask=0o022,
            )
            status, stdout, stderr = collect(process, timeout, on_end=self._add_cpu_seconds, watch=watch)
            if status is None:
                raise CommandTimeout(argv, timeout, stderr_tail=stderr.text())
        except BaseException:
            self._kill_all(process)
            raise
        finally:
            for pipe in (process.stdout, process.stderr) if process else ():
                assert pipe is not None
                pipe.close()
        duration = time.monotonic() - began
        code = status if status >= 0 else 128 - status
        return CommandResult(tuple(argv), code, stdout.text(), stderr.text(), duration)

    def _find(self, name: str, path: str, directory: str) -> tuple[str, str, int]:
        with inroot.open_root(self.root) as root:
            return find_program(root, name, path, directory)

    def _add_cpu_seconds(self, pid: int) -> None:
        self._ended_cpu_seconds += cpu_seconds(pid)

    def usage(self) -> Usage:
        """As Container.usage; CPU seconds are those of commands that ended."""
        tasks = [task for task in tasks_of(self.root) if task.pid != 1]
        return Usage(self._ended_cpu_seconds, sum(t.memory for t in tasks), sum(t.threads for t in tasks))

    def written(self, folder: str) -> int:
        """As Container.written."""
        with inroot.open_root(self.root) as root:
            return inroot.bytes_below(root, folder)

    def _kill_all(self, process: subprocess.Popen[bytes] | None) -> None:
        """Kill all in the container but pid 1. kill(-1) is one step: nothing forks away from it.

        Repeated while nsenter (`process`; None where an interrupt came before we knew it) lives, since it may
        not have entered yet at the first time.
        """
        for _ in range(50 if process else 4):
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    [*self._enter, INIT, "k"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={},
                    timeout=10,
                    check=False,
                )
            if process is None:
                time.sleep(0.1)
                continue
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                return
        if process is not None:
            self.close()
            process.kill()

    def copy_in(self, source: Path, target: str) -> None:
        """As Container.copy_in."""
        with storage_faults(self._scratch), source.open("rb") as file, inroot.open_root(self.root) as root:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o777
            inroot.write_file(root, target, file, mode=mode | 0o400)

    def copy_out(self, source: str, target: Path) -> None:
        """As Container.copy_out."""
        with inroot.open_root(self.root) as root, inroot.open_regular(root, source) as file:
            write_whole(target, iter(lambda: file.read(1 << 20), b""))

    def close(self) -> None:
        """As Container.close."""
        if self._closed:
            return
        self._closed = True
        self._lifeline.close()
        try:
            self._bubblewrap.wait(5)
        except subprocess.TimeoutExpired:  # init is stopped or held; with it goes its namespace
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._bubblewrap.wait()
        if self.group is not None:
            self.group.close()
        remove_tree(self._scratch)


def find_program(root: int, name: str, path: str, directory: str) -> tuple[str, str, int]:
    """(path of the program, complaint, exit code), looked up as execvp(3) does, but links resolved below `root`."""
    try:
        if not stat.S_ISDIR(inroot.status(root, directory).st_mode):
            return "", f"the working directory {directory} isn't one", 126
    except OSError as error:
        return "", f"the working directory {directory}: {error.strerror}", 126
    refused = ""
    for folder in [""] if "/" in name else path.split(":"):
        candidate = str(PurePosixPath(directory, folder, name))
        try:
            mode = inroot.status(root, candidate).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and mode & 0o111:
            return candidate, "", 0
        refused = candidate
    if refused:
        return "", f"{refused} can't be executed: no file, or without the executable bit", 126
    return "", f"{name}: no such file" if "/" in name else f"{name}: not found in PATH ({path})", 127
