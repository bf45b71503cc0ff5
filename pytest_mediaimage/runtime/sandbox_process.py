"""A container of the sandbox whose process 1 is a command of the image, and the folders that such a one is given."""

from __future__ import annotations

import json
import os
import secrets
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..errors import SandboxUnavailable
from ..removal import remove_tree
from . import inroot
from .base import DEFAULT_PATH, FOLDER, NotStarted, Usage
from .bubblewrap import command_line
from .capture import BoundedOutput, cpu_seconds
from .cgroups import ControlGroup, entering
from .elf import INIT
from .hostfile import write_whole
from .sandbox_container import find_program
from .tasks import kill_named, tasks_of
from .userns import refusal
from .users import User

TEMPORARY = 1 << 30
"""Bytes of a hardened container's /tmp."""
_OUTPUT = 1 << 20
_START_LIMIT = 30.0


def own_folder(scratch: Path, skeleton: Path) -> Path:
    """A directory of this machine that takes the place of the package's folder, with `init` in it."""
    folder = scratch / "folder"
    folder.mkdir()
    program = folder / PurePosixPath(INIT).name
    program.write_bytes((skeleton / INIT.strip("/")).read_bytes())
    program.chmod(0o755)
    return folder


def ground(scratch: Path, rootfs: Path, working_dir: str, *, temporary: bool = False) -> Path:
    """A layer with what must be there before the start: the working directory, and /tmp where that is mounted on."""
    layer = scratch / "ground"
    layer.mkdir()
    layer.chmod(stat.S_IMODE(rootfs.stat().st_mode))
    if temporary:
        (layer / "tmp").mkdir()
    with inroot.open_root(rootfs) as image, inroot.open_root(layer) as root:
        if not _is_there(image, working_dir):
            inroot.make_directory(root, working_dir)
    return layer


def _is_there(root: int, path: str) -> bool:
    try:
        inroot.status(root, path)
    except OSError:
        return False
    return True


def place(folder: Path, files: Mapping[str, Path]) -> None:
    """Copy files into the directory that becomes the package's folder."""
    with inroot.open_root(folder) as root:
        for target, source in files.items():
            with source.open("rb") as file:
                inroot.write_file(root, _below(target), file, mode=stat.S_IMODE(source.stat().st_mode) | 0o444)


def _below(path: str) -> str:
    return "/" + str(PurePosixPath(path).relative_to(FOLDER))


def start_process(
    program: Path,
    argv: Sequence[str],
    lower: tuple[Path, ...],
    scratch: Path,
    on_disk: bool,
    user: User,
    env: Mapping[str, str],
    working_dir: str,
    *,
    tmpfs: Mapping[str, int],
    group: ControlGroup | None = None,
) -> SandboxProcess:
    """Start `argv` as process 1 over the layers `lower`, in `group`; `scratch` holds `upper`, `work` and `folder`.

    Raises NotStarted, SandboxUnavailable.
    """
    hostname = f"sandbox-{secrets.token_hex(4)}"
    environment = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, **env}
    with inroot.open_root(lower[0]) as root:
        directory = working_dir if _is_there(root, working_dir) else "/"
        found, complaint, _ = find_program(root, argv[0], environment["PATH"], directory)
    if not found:
        raise NotStarted(f"{argv[0]!r} can't be started: {complaint}")
    info, info_writer = os.pipe()
    try:
        command = command_line(
            program,
            lower=lower,
            scratch=scratch if on_disk else None,
            uid=user.uid,
            gid=user.gid,
            hostname=hostname,
            info_descriptor=info_writer,
            folder=scratch / "folder",
            tmpfs=tmpfs,
            command=(INIT, found, working_dir, *(f"{key}={value}" for key, value in environment.items()), "", *argv),
        )
        try:
            bubblewrap = subprocess.Popen(
                [*entering(group), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={},
                pass_fds=[info_writer],
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxUnavailable(f"{program} can't be started: {error.strerror}") from error
        finally:
            os.close(info_writer)
        said = b""
        while more := os.read(info, 4096):  # until bubblewrap closes it
            said += more
    finally:
        os.close(info)
    if not said:
        output, _ = bubblewrap.communicate()
        raise refusal(output[:4096].decode(errors="replace"))
    started = SandboxProcess(bubblewrap, int(json.loads(said)["child-pid"]), scratch, group)
    try:
        started.await_command(program)
    except BaseException:
        started.close()
        raise
    return started


class SandboxProcess:
    """Made by `start_process`. bubblewrap ends as its process 1 does, with the same exit code."""

    def __init__(
        self, bubblewrap: subprocess.Popen[bytes], pid: int, scratch: Path, group: ControlGroup | None = None
    ) -> None:
        self._bubblewrap = bubblewrap
        self._pid = pid
        self._scratch = scratch
        self.group = group
        self._output = BoundedOutput(_OUTPUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._closed = False

    def _read(self) -> None:
        assert self._bubblewrap.stdout is not None
        with self._bubblewrap.stdout as pipe:
            while data := os.read(pipe.fileno(), 1 << 16):
                self._output.feed(data)

    def await_command(self, program: Path) -> None:
        """Wait until process 1 isn't bubblewrap any more. Raises SandboxUnavailable where that fails before."""
        deadline = time.monotonic() + _START_LIMIT
        while self._bubblewrap.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                if Path(f"/proc/{self._pid}/exe").readlink().name != program.name:
                    return
            time.sleep(0.002)
        self.wait(1)
        if self.output.startswith("bwrap: "):
            raise refusal(self.output[:4096])

    def wait(self, timeout: float) -> int | None:
        """As Process.wait."""
        try:
            status = self._bubblewrap.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(5)
        return status if status >= 0 else 128 - status

    def terminate(self) -> None:
        """As Process.terminate."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """As Process.kill."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # While bubblewrap lives it hasn't waited for its child, so that the number can't be another process's.
        if self._bubblewrap.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def programs(self) -> tuple[str, ...]:
        """As Process.programs."""
        if self._bubblewrap.poll() is not None:
            return ()
        return tuple(task.name for task in tasks_of(Path(f"/proc/{self._pid}/root")))

    def kill_program(self, name: str) -> bool:
        """As Process.kill_program."""
        if self._bubblewrap.poll() is None:
            kill_named(self._pid, name)
        return True

    def length_of(self, path: str) -> int | None:
        """As Process.length_of."""
        with inroot.open_root(self._scratch / "folder") as root:
            try:
                found = inroot.status(root, _below(path))
            except OSError:
                return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def copy_out(self, source: str, target: Path) -> None:
        """As Process.copy_out."""
        with inroot.open_root(self._scratch / "folder") as root, inroot.open_regular(root, _below(source)) as file:
            write_whole(target, iter(lambda: file.read(1 << 20), b""))

    def usage(self) -> Usage | None:
        """As Process.usage; CPU seconds are process 1's, with those that it waited for."""
        if self._bubblewrap.poll() is not None:
            return None
        tasks = list(tasks_of(Path(f"/proc/{self._pid}/root")))
        memory = self.group.memory if self.group else None
        if memory is None:
            memory = sum(task.memory for task in tasks)
        return Usage(cpu_seconds(self._pid), memory, sum(task.threads for task in tasks))

    def written(self) -> int:
        """As Process.written."""
        with inroot.open_root(self._scratch) as root:
            return sum(inroot.bytes_below(root, name) for name in ("upper", "folder"))

    @property
    def out_of_memory(self) -> bool:
        """As Process.out_of_memory."""
        return self.group is not None and self.group.out_of_memory

    @property
    def peak_memory(self) -> int | None:
        """As Process.peak_memory."""
        return None if self.group is None else self.group.peak_memory

    @property
    def output(self) -> str:
        """As Process.output."""
        return self._output.text()

    def close(self) -> None:
        """As Process.close."""
        if self._closed:
            return
        self._closed = True
        self.kill()
        try:
            self._bubblewrap.wait(5)
        except subprocess.TimeoutExpired:
            self._bubblewrap.kill()
            self._bubblewrap.wait()
        self._reader.join(5)
        if self.group is not None:
            self.group.close()
        remove_tree(self._scratch)
