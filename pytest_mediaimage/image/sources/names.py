"""Names and tags that tools write into files of images."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..digest import Platform
from ..manifest import Descriptor

_REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"


def names_of(descriptor: Descriptor) -> set[str]:
    """Tools write a tag, or the whole reference, in one of two annotations; containerd the tag in one, all in both."""
    written = {descriptor.annotations.get(key, "") for key in (_REF_NAME, _CONTAINERD_NAME)} - {""}
    whole = {name for name in written if "/" in name or ":" in name}
    return whole or written


def tag_of(name: str) -> str:
    """`7.1` of `org/ffmpeg:7.1`; a name that is a tag alone stays as it is."""
    return name.rpartition(":")[2]


def means(wanted: str, held: str) -> bool:
    """Whether what a user wrote, a tag, a name, or both, is the name `held`."""
    return wanted in (held, tag_of(held)) or _full(wanted) in (_full(held), _full(held.removeprefix("localhost/")))


def several(platforms: Sequence[Platform | None], names: Sequence[Collection[str]]) -> bool:
    """Whether these are several images: not one for several platforms, which has a name in common."""
    named = [set(item) for item in names if item]
    return len(set(platforms)) < len(platforms) or bool(named and not set.intersection(*named))


def _full(name: str) -> str:
    """A name as Docker completes it: `ffmpeg` is docker.io/library/ffmpeg:latest."""
    host, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not re.search(r"[.:]", host) and host != "localhost":
        name = f"docker.io/{name}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
