"""The protocol that every runtime fulfils, and what it needs to know of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

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


class Container(Protocol):
    """A started container. Every path in it is absolute."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
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
        OSError where it isn't a regular file or links loop, StorageFault where the host's disk is full.
        """

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

    def start(self, image: RunnableImage, *, work: Path) -> Container:
        """Start a container without network; `work` is a directory of the run's own for its scratch.

        Raises EnvironmentFault where the machine can't, UsageError where the platform doesn't fit.
        """

    def close(self) -> None:
        """Remove what the runtime made besides containers."""
