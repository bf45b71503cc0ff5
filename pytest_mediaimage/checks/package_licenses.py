"""What the packages of the image's distribution declare: learnt while a layer is read, found again by name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ..image.entries import Entry
from ..image.image import Image
from ..sbom.licenses import PackageLicense, alpine_license, read_copyright

NAME = "package-licenses"
_APK = frozenset({"lib/apk/db/installed", "usr/lib/apk/db/installed"})
_DOC = "usr/share/doc/"
_LONGEST = 1 << 20  # of a copyright file; Chromium's has 2 MB, and begins with what it is about
_LONGEST_LINE = 1 << 16
_MOST = 20_000  # packages

# Packages of one source have one text, and mostly follow each other.
_read = lru_cache(maxsize=8)(read_copyright)


class PackageLicenses:
    """The fact of a Debian copyright file is a PackageLicense as JSON, of Alpine's database {package: its L: line}."""

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> _Copyright | _Installed | None:
        path = entry.path
        if path.endswith("/copyright") and path.startswith(_DOC) and path.count("/") == 4:
            return _Copyright()
        return _Installed() if path in _APK else None


class _Copyright:
    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> None:
        if self._length < _LONGEST:
            self._chunks.append(bytes(chunk[: _LONGEST - self._length]))
            self._length += len(self._chunks[-1])

    def finish(self) -> list[Any] | None:
        found = _read(b"".join(self._chunks).decode("utf-8", "replace"))
        return found.to_json() if found else None


class _Installed:
    """https://wiki.alpinelinux.org/wiki/Apk_spec: a paragraph for each package, ``P:`` its name, ``L:`` its licence."""

    def __init__(self) -> None:
        self._rest = b""
        self._package = ""
        self._found: dict[str, str] = {}

    def feed(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + bytes(chunk)).split(b"\n")
        self._rest = rest[:_LONGEST_LINE]
        for line in lines:
            self._line(line)

    def finish(self) -> dict[str, str] | None:
        self._line(self._rest)
        return self._found or None

    def _line(self, line: bytes) -> None:
        if line.startswith(b"P:"):
            self._package = line[2:202].decode("utf-8", "replace").strip()
        elif line.startswith(b"L:") and self._package and len(self._found) < _MOST:
            self._found[self._package] = line[2:2002].decode("utf-8", "replace").strip()


def debian_package(image: Image, name: str) -> PackageLicense | None:
    """What the copyright file of a Debian package says; None where the image has none, or it says nothing."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]*", name):
        return None
    fact = _fact(image, f"/{_DOC}{name}/copyright")
    return PackageLicense.from_json(fact) if isinstance(fact, list) else None


def alpine_package(image: Image, name: str) -> PackageLicense | None:
    """What Alpine's database says of a package; None where it says nothing."""
    for path in sorted(_APK):
        fact = _fact(image, f"/{path}")
        if isinstance(fact, dict) and name in fact:
            return alpine_license(str(fact[name]))
    return None


def _fact(image: Image, path: str) -> Any:
    node = image.tree.resolve(path)
    if node is None or node.type != "file":
        return None
    layer, ordinal = node.content
    return image.layer_facts[layer].found.get(NAME, {}).get(ordinal)
