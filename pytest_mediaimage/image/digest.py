"""Digest and Platform: checked strings, as the OCI image specification writes them."""

from __future__ import annotations

import platform as _host
import re

from ..errors import InvalidReference

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_PART = re.compile(r"[a-z0-9][a-z0-9._-]*")
_MACHINES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}


class Digest(str):
    """`algorithm:hex`, sha256 or sha512."""

    __slots__ = ()

    def __new__(cls, text: str) -> Digest:
        """Raises InvalidReference where `text` is no digest."""
        if not isinstance(text, str) or not _DIGEST.fullmatch(text):
            raise InvalidReference(f"{str(text)[:100]!r} is no digest", remedy="Write sha256: and 64 hex digits.")
        return super().__new__(cls, text)

    @property
    def algorithm(self) -> str:
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        return self.partition(":")[2]


class Platform(str):
    """`os/architecture[/variant]` in Go's names and containerd's normal form: `linux/amd64`, `linux/arm/v7`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Platform:
        """Raises InvalidReference where `text` is no platform."""
        parts = text.split("/")
        if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
            raise InvalidReference(f"{text!r} is no platform", remedy="Write os/architecture, as in linux/amd64.")
        return super().__new__(cls, "/".join((parts[0], *_normal(*parts[1:]))))

    @classmethod
    def of(cls, os: str, architecture: str, variant: str = "") -> Platform:
        """Raises InvalidReference."""
        return cls(f"{os}/{architecture}" + (f"/{variant}" if variant else ""))

    @classmethod
    def host(cls) -> Platform:
        """The platform that containers have on this machine: Linux, also on a Mac."""
        return cls.of("linux", _host.machine().lower())

    @property
    def os(self) -> str:
        return self.split("/")[0]

    @property
    def architecture(self) -> str:
        return self.split("/")[1]


def _normal(architecture: str, variant: str = "") -> tuple[str, ...]:
    """containerd's normal form (its platforms/database.go): which names mean the same, and what a bare one means."""
    if architecture == "i386":
        return ("386",)
    if architecture in ("armhf", "armel"):
        return ("arm", "v7" if architecture == "armhf" else "v6")
    architecture = _MACHINES.get(architecture, architecture)
    if architecture == "arm":
        variant = f"v{variant}" if variant in ("5", "6", "7", "8") else variant or "v7"
    elif architecture == "arm64":
        variant = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}.get(variant, variant)
    elif architecture == "amd64" and variant == "v1":
        variant = ""
    return (architecture, variant) if variant else (architecture,)
