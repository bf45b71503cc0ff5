"""Known findings: a file that holds what is accepted of legacy images for a time, by image and fingerprint."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PolicyError
from .units import LARGEST, nearest, shown

if TYPE_CHECKING:
    import yaml

    from .yaml_file import YamlFile

KNOWN_NAME = "mediaimage-known.yaml"

# Two hundred images with fifty findings each are 3 MB.
_MAX_BYTES = 8_000_000
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_TEXTS = ("check", "fingerprint", "owner", "reason")
_KEYS = (*_TEXTS, "until", "file", "finding", "bytes", "platforms")


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that is accepted until a day (that day included).

    `file` and `finding` tell people what it is; `bytes` is what it weighed when it was written, and `platforms` are
    those that it was found on. `line` is where the entry stands, 0 for a new one.
    """

    check: str
    fingerprint: str
    owner: str
    reason: str
    until: datetime.date
    file: str = ""
    finding: str = ""
    bytes: int | None = None
    platforms: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def order(self) -> tuple[str, str, str]:
        return self.check, self.file, self.fingerprint

    def expired(self, today: datetime.date) -> bool:
        return today > self.until


@dataclass(frozen=True, slots=True)
class KnownFile:
    """The file as it was read. `images` holds the entries by fingerprint, by the name of their image."""

    path: Path
    text: str = ""
    images: Mapping[str, Mapping[str, Known]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Where each image's name stands."""


def read_known(path: Path, *, known_checks: frozenset[str] = frozenset()) -> KnownFile:
    """Raises PolicyError with file and line for whatever isn't such a file; `known_checks` empty accepts any check."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"the known findings can't be read: {error.strerror or error}", file=path) from error
    if len(data) > _MAX_BYTES:
        raise PolicyError(
            f"larger than {_MAX_BYTES} bytes", file=path, remedy="Give each image a file: --media-known FILE."
        )
    return parse_known(data, path, known_checks=known_checks)


def parse_known(data: bytes, path: Path, *, known_checks: frozenset[str] = frozenset()) -> KnownFile:
    """As `read_known`, from the file's content."""
    from .yaml_file import YamlFile

    read = YamlFile(data, str(path), what="the file of known findings", long=True)
    images: dict[str, dict[str, Known]] = {}
    lines: dict[str, int] = {}
    versioned = False
    for key, line, node in read.pairs(read.root, "a file of known findings"):
        if key == "version":
            read.value(node, key, _version)
            versioned = True
        elif key == "images":
            for name, name_line, entries in read.pairs(node, "images"):
                if not name:
                    raise read.mistake("an image without a name", name_line)
                images[name], lines[name] = _entries(read, name, entries, known_checks), name_line
        else:
            raise read.mistake(f"unknown key {shown(key)}{nearest(key, ['version', 'images'])}", line)
    if not versioned:
        raise read.mistake("version is missing; begin with version: 1", 1)
    return KnownFile(path, data.decode("utf-8", "replace"), images, lines)


def _version(value: Any) -> None:
    if type(value) is not int or value != 1:
        raise ValueError(f"{shown(value)} isn't known; write version: 1")


def _entries(read: YamlFile, image: str, node: yaml.Node, known_checks: frozenset[str]) -> dict[str, Known]:
    nodes = read.items(node, f"images: {shown(image)}")
    entries: dict[str, Known] = {}
    for part in nodes:
        line = read.line(part)
        for key, key_line, _ in read.pairs(part, "an entry"):
            if key not in _KEYS:
                raise read.mistake(f"unknown key {shown(key)}{nearest(key, list(_KEYS))}", key_line)
        # One value at a time, so that a mistake is told with its own line.
        values = {key: read.value(inner, key, _PARSERS[key]) for key, _, inner in read.pairs(part, "an entry")}
        for key in (*_TEXTS, "until"):
            if key not in values:
                raise read.mistake(f"an entry needs {key!r}", line)
        entry = Known(**values, line=line)
        if known_checks and entry.check not in known_checks:
            where = next(key_line for key, key_line, _ in read.pairs(part, "an entry") if key == "check")
            raise read.mistake(f"unknown check {shown(entry.check)}{nearest(entry.check, sorted(known_checks))}", where)
        if entry.fingerprint in entries:
            first = entries[entry.fingerprint].line
            raise read.mistake(
                f"fingerprint {entry.fingerprint} stands twice (first in the entry of line {first})", line
            )
        entries[entry.fingerprint] = entry
    return entries


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{shown(value)} is no text")
    return value


def _maybe_empty(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text")
    return value


def _fingerprint(value: Any) -> str:
    if not isinstance(value, str) or not _FINGERPRINT.fullmatch(value):
        raise ValueError(f"{shown(value)} is no fingerprint; copy the 16 hex digits of the JSON report, in quotes")
    return value


def _date(value: Any) -> datetime.date:
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise ValueError(f"{shown(value)} is no date; write 2027-01-31")
    return value


def _bytes(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise ValueError(f"{shown(value)} is no number of bytes")
    return value


def _platforms(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no list; write [linux/amd64]")
    return tuple(_text(item) for item in value)


_PARSERS: Mapping[str, Any] = {
    "check": _text,
    "fingerprint": _fingerprint,
    "owner": _text,
    "reason": _text,
    "until": _date,
    "file": _maybe_empty,
    "finding": _maybe_empty,
    "bytes": _bytes,
    "platforms": _platforms,
}


def image_name(location: str, *, is_path: bool, folder: Path) -> str:
    """The name under which an image stands in the file: its repository, without tag, digest and platform.

    For a layout or an archive that is its path below `folder`, where the file lies, else its last part: the file may
    be used on several machines.
    """
    if not is_path:
        return location.removeprefix("localhost/").removeprefix("docker.io/").removeprefix("library/")
    path = Path(location).expanduser().resolve()
    below = path != folder and path.is_relative_to(folder)
    return readable(path.relative_to(folder).as_posix() if below else path.name or "/")


def readable(text: str) -> str:
    """With a question mark for each byte that is no UTF-8: names of files may hold any, and YAML may not."""
    return text.encode(errors="replace").decode()
