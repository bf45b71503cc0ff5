"""A testinfra host over a container, also where the image has no shell."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from testinfra.backend.base import BaseBackend
from testinfra.backend.base import CommandResult as TestinfraResult
from testinfra.host import Host

from ..result import Skip
from .base import FOLDER, Container

_TOOLS = f"{FOLDER}/tools"
_BUSYBOX = f"{_TOOLS}/busybox"
_NAMES = ("busybox", "busybox.static", "busybox-static")


def testinfra_host(container: Container) -> Host:
    """A testinfra host that runs its commands in `container`, as the image's user.

    It uses the image's /bin/sh; without one, a static busybox of this machine is copied into the container,
    and its programs serve where PATH has none. (Its shell may be built to prefer its own, as Debian's is.)
    Raises Skip where there is no static busybox, or the container can't run it.
    """
    if container.run(["/bin/sh", "-c", ":"]).exit_code == 0:
        return Host(_ContainerBackend(container, ["/bin/sh", "-c"], ""))
    busybox = static_busybox()
    if busybox is None:
        raise Skip(
            "the image has no shell, and no static busybox is on PATH to lend it one: install busybox-static (Debian, "
            "Ubuntu, Alpine) or busybox (Fedora)"
        )
    container.copy_in(busybox, _BUSYBOX)
    installed = container.run([_BUSYBOX, "--install", "-s", _TOOLS])
    if installed.exit_code != 0:
        raise Skip(f"the image has no shell, and {busybox} doesn't run in its container: {installed.stderr.strip()}")
    return Host(
        _ContainerBackend(container, [_BUSYBOX, "sh", "-c"], f'PATH="${{PATH:+$PATH:}}{_TOOLS}"; export PATH; ')
    )


def static_busybox() -> Path | None:
    """A busybox on PATH that needs no library, or None."""
    for name in _NAMES:
        found = shutil.which(name)
        if found and _is_static(Path(found)):
            return Path(found)
    return None


def _is_static(program: Path) -> bool:
    """Whether an ELF file asks for no interpreter: no program header has type PT_INTERP (3)."""
    try:
        with program.open("rb") as file:
            header = file.read(64)
            if header[:6] != b"\x7fELF\x02\x01":
                return False
            offset = int.from_bytes(header[32:40], "little")
            size, count = (int.from_bytes(header[at : at + 2], "little") for at in (54, 56))
            file.seek(offset)
            table = file.read(size * count)
    except OSError:
        return False
    kinds = [int.from_bytes(table[at : at + 4], "little") for at in range(0, size * count, size)]
    return bool(kinds) and 3 not in kinds


class _ContainerBackend(BaseBackend):  # type: ignore[misc]
    """What testinfra asks for: `run`, by a shell in the container."""

    NAME = "mediaimage"

    def __init__(self, container: Container, shell: list[str], prologue: str) -> None:
        super().__init__("container")
        self._container = container
        self._shell = shell
        self._prologue = prologue
        self._encoding = "utf-8"  # else testinfra looks for a Python in the container

    def run(self, command: str, *args: str, **kwargs: Any) -> TestinfraResult:
        """Run a command line, `args` quoted into it."""
        line = self.get_command(command, *args)
        result = self._container.run([*self._shell, self._prologue + line])
        return self.result(result.exit_code, self.encode(line), result.stdout, result.stderr)
