"""Digest and Platform: checked strings, as the OCI image specification writes them."""

from __future__ import annotations

import platform as _host
import re

from ..errors import InvalidReference

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_PART = re.compile(r"[a-z0-9][a-z0-9._-]*")
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


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
    """`os/architecture[/variant]` in Go's names: `linux/amd64`, `linux/arm/v7`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Platform:
        """Raises InvalidReference where `text` is no platform."""
        parts = text.split("/")
        if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
            raise InvalidReference(f"{text!r} is no platform", remedy="Write os/architecture, as in linux/amd64.")
        # containerd's normal form: these variants are what the bare architecture means.
        if parts[1:] in (["arm64", "v8"], ["amd64", "v1"]):
            parts.pop()
        return super().__new__(cls, "/".join(parts))

    @classmethod
    def of(cls, os: str, architecture: str, variant: str = "") -> Platform:
        return cls("/".join(part for part in (os, architecture, variant) if part))

    @classmethod
    def host(cls) -> Platform:
        """The platform that containers have on this machine: Linux, also on a Mac."""
        machine = _host.machine().lower()
        return cls.of("linux", _MACHINES.get(machine, machine))

    @property
    def os(self) -> str:
        return self.split("/")[0]

    @property
    def architecture(self) -> str:
        return self.split("/")[1]
