"""All that a file says of the FFmpeg in it: identity, tables, components. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ElfError
from .components import Component, combine_components, find_components
from .elf import ElfFile
from .identity import FFmpegIdentity, combine, read_identity
from .license import read_license
from .tables import HOLDERS, TABLES, read_tables

Names = tuple[str, ...] | None
_PARTS = {table: table.removesuffix("s").replace("_", "-") for table in TABLES}
"""What one name in a table is called."""


@dataclass(frozen=True, slots=True)
class Build:
    """One FFmpeg build, or one file of it.

    `encoders` to `bitstream_filters` are sorted names as FFmpeg's own listings print them; None where the file holds
    no such table, or its layout isn't known. `needed` are the libraries that the file asks for. `damage` says why
    nothing but the identity could be read.
    """

    identity: FFmpegIdentity
    encoders: Names = None
    decoders: Names = None
    filters: Names = None
    muxers: Names = None
    demuxers: Names = None
    protocols: Names = None
    bitstream_filters: Names = None
    components: tuple[Component, ...] = ()
    needed: tuple[str, ...] = ()
    damage: str | None = None

    @property
    def version(self) -> str | None:
        return self.identity.version

    @property
    def configuration(self) -> str | None:
        return self.identity.configuration

    @property
    def compiler(self) -> str | None:
        return self.identity.compiler

    @property
    def stated_license(self) -> str | None:
        """The strictest licence that the file states, as an SPDX id."""
        return read_license(self.identity, self.components).stated

    @property
    def concluded_license(self) -> str | None:
        """The strictest of what is stated and of what configuration and components demand, as an SPDX id."""
        return read_license(self.identity, self.components).concluded

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it; what isn't known is left out."""
        fact: dict[str, Any] = {"identity": asdict(self.identity)}
        fact |= {name: list(names) for name in (*TABLES, "needed") if (names := getattr(self, name)) is not None}
        fact["components"] = [one.to_json() for one in self.components]
        return fact | ({"damage": self.damage} if self.damage else {})

    @classmethod
    def from_json(cls, fact: dict[str, Any]) -> Build:
        return cls(
            identity=FFmpegIdentity(**fact["identity"]),
            components=tuple(Component.from_json(one) for one in fact["components"]),
            damage=fact.get("damage"),
            **{name: tuple(fact[name]) for name in (*TABLES, "needed") if name in fact},
        )


def read_build(file: Path | BinaryIO) -> Build | None:
    """The FFmpeg build that a file is or holds; None where it holds none. An open file must be seekable.

    Raises ElfError, which names the file, where it is damaged, and OSError where it can't be read.
    """
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return read_build(opened)
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    identity = read_identity(file)
    if identity is None:
        return None
    try:
        return build_of(ElfFile(file, length), identity)
    except ElfError as error:
        raise ElfError(error.message, blob=str(getattr(file, "name", ""))) from error


def build_of(elf: ElfFile, identity: FFmpegIdentity) -> Build:
    """What an opened file says besides its identity. Raises ElfError."""
    elf.require_data()
    tables = read_tables(elf, identity)
    parts = {f"{_PARTS[table]}:{name}" for table, names in tables._asdict().items() for name in names or ()}
    return Build(identity, **tables._asdict(), components=find_components(elf, identity, parts), needed=elf.needed)


def combine_builds(builds: Sequence[Build]) -> Build:
    """One build for its files: a shared one spreads its tables over the libav* libraries.

    A table is known where the file that must hold it (libavcodec's, libavformat's, libavfilter's) has it. Raises
    ValueError for an empty sequence.
    """
    identity = combine([build.identity for build in builds])
    return Build(
        identity=identity,
        **{name: _combined(builds, name) for name in TABLES},
        components=combine_components(build.components for build in builds),
        needed=tuple(dict.fromkeys(name for build in builds for name in build.needed)),
        damage=next((build.damage for build in builds if build.damage), None),
    )


def _combined(builds: Iterable[Build], table: str) -> Names:
    """What all files together list; None where the file that holds the table itself says nothing.

    Devices are muxers and demuxers of libavdevice: they add to libavformat's, and aren't all there is.
    """
    known: set[str] = set()
    found = False
    for build in builds:
        names = getattr(build, table)
        libraries = set(build.identity.licenses)
        if names is None and HOLDERS[table] in libraries:
            return None
        found |= names is not None and libraries != {"libavdevice"}
        known.update(names or ())
    return tuple(sorted(known)) if found else None
