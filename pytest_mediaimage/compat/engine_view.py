"""What a container made from an image shows at a path, as a Docker engine answers it before anything is started."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ..image.config import Config
from ..image.document import fields, parse_document
from ..image.entries import BLOCK, CHAR, DIRECTORY, FIFO, FILE, SYMLINK
from ..image.image import Image
from ..image.tree import Node

# What moby's daemon/initlayer/setup_unix.go puts into each container where the image lacks it.
_MADE = {
    **dict.fromkeys(("/dev/pts", "/dev/shm", "/proc", "/sys"), DIRECTORY),
    **dict.fromkeys(("/.dockerenv", "/dev/console", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"), FILE),
    "/etc/mtab": SYMLINK,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands at a path. `node` is None for what the engine makes and the image lacks."""

    type: str
    mode: int
    uid: int = 0
    gid: int = 0
    node: Node | None = None


def look(image: Image, path: str) -> Seen | None:
    """What lstat(2) sees: links are followed but in the last place, and there too where the path ends in a slash."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    node = _node(image, clean, follow=path.rstrip(".").endswith("/") and posixpath.basename(path) in ("", "."))
    if node is not None:
        if posixpath.basename(path) in ("", ".") and node.type != DIRECTORY:
            return None
        return Seen(node.type, node.entry.mode, node.entry.uid, node.entry.gid, node)
    if clean == "/":
        return Seen(DIRECTORY, 0o755)
    made = _made(image.config, clean)
    return Seen(made, 0o777 if made == SYMLINK else 0o755) if made else None


def _node(image: Image, clean: str, *, follow: bool) -> Node | None:
    if follow:
        return image.tree.resolve(clean)
    above, _, name = clean.rpartition("/")
    if not above:
        return image.tree.get(name)
    parent = image.tree.resolve(above)
    if parent is None or parent.type != DIRECTORY:
        return None
    return image.tree.get(f"{parent.path}/{name}")


def file_at(image: Image, path: str) -> Node | Seen | None:
    """The regular file that a path leads to; a Seen for anything else that is there, None for nothing."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    node = image.tree.resolve(clean)
    if node is None:
        return look(image, path)
    return node if node.type == FILE else Seen(node.type, node.entry.mode, node.entry.uid, node.entry.gid, node)


def _made(config: Config, clean: str) -> str | None:
    """The type of what an engine makes at a path that the image lacks: also its working directory and volumes."""
    if clean in _MADE:
        return _MADE[clean]
    for path in _made_directories(config):
        if (path + "/").startswith(clean + "/"):
            return DIRECTORY
    return None


def _made_directories(config: Config) -> Iterator[str]:
    yield from ("/dev/pts", "/etc/hosts")  # their parents are meant
    _, volumes = ports_and_volumes(config)
    for path in (config.working_dir, *volumes):
        if path:
            yield posixpath.normpath("/" + path.lstrip("/"))


def ports_and_volumes(config: Config) -> tuple[list[str], list[str]]:
    """The numbers of the exposed ports, without protocol, and the volumes. Raises CorruptImage."""
    own = fields(parse_document(config.raw, blob=config.digest), "config")
    run = fields(own.get("config"), "ExposedPorts", "Volumes")
    ports = [port.partition("/")[0] for port in run.get("ExposedPorts") or {}]
    return ports, list(run.get("Volumes") or {})


def mode_text(seen: Seen) -> str:
    """A mode as Go writes it: `-rw-r--r--`, but `urwxr-xr-x` for setuid, `dtrwxrwxrwx` for /tmp, `Lrwxrwxrwx`."""
    kinds = {DIRECTORY: "d", SYMLINK: "L", BLOCK: "D", CHAR: "D", FIFO: "p"}
    text = kinds.get(seen.type, "")
    text += "u" * bool(seen.mode & 0o4000) + "g" * bool(seen.mode & 0o2000) + "c" * (seen.type == CHAR)
    text += "t" * bool(seen.mode & 0o1000)
    bits = "".join(letter if seen.mode >> 8 - place & 1 else "-" for place, letter in enumerate("rwxrwxrwx"))
    return (text or "-") + bits
