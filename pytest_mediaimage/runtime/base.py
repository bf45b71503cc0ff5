"""The protocol that every runtime fulfils, and what it needs to know of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from ..errors import EnvironmentFault, MediaImageError

FOLDER = "/.pytest-mediaimage"
"""The folder in a container for what this package adds to it."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Docker's `PATH` for an image that sets none."""


class RunConfig(Protocol):
    """The part of an image's configuration that decides how a process in it runs."""

    @property
    def user(self) -> str:
        """`"user[:group]"`, names or numbers; empty means root."""

    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def working_dir(self) -> str:
        """Absolute, or empty for `/`."""


class RunnableImage(Protocol):
    """What a runtime needs of an image. `image.Image` fulfils it; no import is needed."""

    @property
    def name(self) -> str:
        """As the user wrote it."""

    @property
    def digest(self) -> str:
        """`sha256:...` of the manifest, or of the configuration where there is no manifest."""

    @property
    def config_digest(self) -> str:
        """`sha256:...` of the configuration: what Docker calls the image's ID."""

    @property
    def index_digest(self) -> str | None:
        """`sha256:...` of the index that it was chosen from, None without one."""

    @property
    def platform(self) -> str:
        """`os/architecture[/variant]`."""

    @property
    def config(self) -> RunConfig: ...
    def unpack(self, root: Path) -> None:
        """Write the flattened tree below `root`, an empty directory."""

    def write_docker_archive(self, out: IO[bytes]) -> None:
        """Write what `docker load` reads."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command in a container did. `duration` is in seconds; output is decoded as UTF-8."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    duration: float


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether a runtime can do a thing, found out by doing it; `reason` says why not."""

    available: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Devices:
    """What of this machine's hardware a container is given.

    `nodes` are paths of device nodes, the same inside; `groups` the numbers of groups that may open them, for a user
    who isn't root. `nvidia` asks the engine for all NVIDIA GPUs with these driver capabilities, such as `video`.
    """

    nodes: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    nvidia: tuple[str, ...] = ()


class DevicesRefused(EnvironmentFault):
    """A runtime can't hand on a device that it was asked for."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a container gets besides the image. A runtime that can't give it raises EnvironmentFault.

    `memory` is in bytes, swap included, `cpus` in cores; both where `memory-limit` is a capability. `tmpfs` are file
    systems in memory: an absolute path, and how many bytes fit. `hardened` is what a strict cluster allows: the root
    read-only but for the folder of this package and /tmp, user and group 65534, no capability.
    """

    devices: Devices = Devices()
    memory: int | None = None
    cpus: float | None = None
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    hardened: bool = False


PLAIN = Resources()
"""No device, no limit."""

NOBODY = 65534
"""User and group of a hardened container: the kernel's overflow id, which owns nothing in an image."""


class NotStarted(MediaImageError):
    """A command can't become a container's process 1: the image lacks it, or can't execute it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds that a container's processes took so far, bytes of memory that they hold (without files' pages),
    and their threads, the container's own `init` left out. What ended before it was asked for may be missing from the
    last two."""

    cpu_seconds: float
    memory: int
    threads: int


Watch = Callable[[bytes], None]
"""Told what a command writes on stdout as it comes, and nothing (`b""`) every WATCH_SECONDS at least.

What it raises ends the command as a time-out does, and is raised by what runs it.
"""
WATCH_SECONDS = 0.5


class Container(Protocol):
    """A started container. Every path in it is absolute."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        watch: Watch | None = None,
    ) -> CommandResult:
        """Run `argv` as the image's user, in its working directory, and wait.

        It sees the image's environment with `env` over it, `PATH` and `HOME` as Docker sets them, `HOSTNAME`,
        and nothing of this machine's; stdin is empty. A missing program gives exit code 127, one that can't be
        executed, or a missing working directory, 126; a signal 128 + its number; each with a line on stderr.
        Output beyond 16 MiB a stream is dropped and said so in the last line. A process left in the background
        doesn't hold up the return (by 2 s at most, with its output), and lives on until the container is closed.

        Raises CommandTimeout after `timeout` seconds; by then all that the command started is dead, and all that
        other commands started in this container. Raises EnvironmentFault where the container ended by itself.
        """

    def copy_in(self, source: Path, target: str) -> None:
        """Copy a file to `target`, mode kept, readable for the image's user, to whom it and the directories
        made on the way belong: a command can write beside it. A file that is there is replaced, a link followed
        inside the container. Raises OSError as open(2) would.
        """

    def copy_out(self, source: str, target: Path) -> None:
        """Copy a regular file to `target`. Links are resolved inside the container, never on the host.

        `target` appears only when it is whole. Raises FileNotFoundError where there is no such file, another
        OSError where it isn't a regular file, links loop or it has more than 4 GB, StorageFault where the host's disk
        is full.
        """

    def usage(self) -> Usage:
        """What its processes use at this moment."""

    def written(self, folder: str) -> int:
        """Bytes of all files below a directory of the package's folder; where that can't be seen, of all that was
        written in the container."""

    def close(self) -> None:
        """Kill everything in it and remove all trace. May be called twice."""


class Process(Protocol):
    """A container whose process 1 is a command, as an orchestrator starts it. Only one thread may use it."""

    def wait(self, timeout: float) -> int | None:
        """Its exit code as a shell gives it, None where it still runs after `timeout` seconds."""

    def terminate(self) -> None:
        """Send SIGTERM to process 1, as `docker stop` and a kubelet do first. Process 1 gets only what it handles."""

    def kill(self) -> None:
        """Send SIGKILL to process 1, and so to all in the container."""

    def programs(self) -> tuple[str, ...]:
        """The names of the processes that run now (15 characters at most), process 1 first; empty after the end."""

    def kill_program(self, name: str) -> bool:
        """Send SIGKILL to the processes of this name but process 1, and to no other; whether that could be done."""

    def length_of(self, path: str) -> int | None:
        """Bytes of a regular file below the package's folder, None where there is none."""

    def copy_out(self, source: str, target: Path) -> None:
        """As Container.copy_out, for files below the package's folder; also after the end."""

    def usage(self) -> Usage | None:
        """What its processes use at this moment; None after the end."""

    def written(self) -> int:
        """Bytes of all files that it wrote or was given, those in memory left out."""

    @property
    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process of it for its memory limit; known after the end."""

    @property
    def peak_memory(self) -> int | None:
        """The most bytes that a container with a memory limit held at once, pages of files among them; None where
        neither kernel nor engine tells."""

    @property
    def output(self) -> str:
        """What it wrote so far on stdout and stderr together, 1 MiB at most."""

    def close(self) -> None:
        """Kill everything in it and remove all trace. May be called twice."""


class Runtime(Protocol):
    """A way of running images."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    def capabilities(self) -> Mapping[str, Capability]:
        """Probed by doing: `exec`, `overlay-on-disk`, `network-isolation`, `ownership`, `memory-limit`."""

    def start(self, image: RunnableImage, *, work: Path, resources: Resources = PLAIN) -> Container:
        """Start a container without network; `work` is a directory of the run's own for its scratch.

        Raises EnvironmentFault where the machine can't (DevicesRefused: not with these devices), UsageError where the
        platform doesn't fit.
        """

    def start_command(
        self,
        image: RunnableImage,
        argv: Sequence[str],
        *,
        work: Path,
        files: Mapping[str, Path],
        resources: Resources = PLAIN,
    ) -> Process:
        """Start a container without network whose process 1 is `argv`, in place of entry point and command.

        `files` are brought in first: a path below the package's folder, and the file. They, and the directories on the
        way, belong to the image's user. Raises NotStarted, and what `start` raises.
        """

    def close(self) -> None:
        """Remove what the runtime made besides containers."""
