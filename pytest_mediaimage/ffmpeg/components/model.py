"""What is known of a library that FFmpeg can be built with (`Row`), and what was found of one (`Component`)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, NamedTuple

from ..evidence import Evidence

Linkage = Literal["static", "shared", "configured"]


class Demand(enum.StrEnum):
    """What a library asks of FFmpeg's own licence, as `configure` sorts them."""

    NONE = "none"
    GPL = "gpl"  # EXTERNAL_LIBRARY_GPL_LIST: --enable-gpl
    VERSION3 = "version3"  # EXTERNAL_LIBRARY_VERSION3_LIST: --enable-version3
    GPLV3 = "gplv3"  # EXTERNAL_LIBRARY_GPLV3_LIST: both
    NOT_GPL = "not-gpl"  # EXTERNAL_LIBRARY_NONFREE_LIST: --enable-nonfree, but only beside --enable-gpl
    NONFREE = "nonfree"  # HWACCEL_LIBRARY_NONFREE_LIST: --enable-nonfree, always
    VERSION3_WITH_GPL = "version3-with-gpl"  # OpenSSL 3: --enable-version3, but only beside --enable-gpl
    OPENSSL = "openssl"  # OpenSSL of an unknown version: NOT_GPL before 3.0, VERSION3_WITH_GPL from then on


@dataclass(frozen=True, slots=True)
class Component:
    """A library that a build holds or links to.

    `id` is its row's: the X of ``--enable-X`` with underscores (``libx264``, ``libfdk_aac``), the library's own
    name where configure has no option for it. `version` is as upstream writes it, None where it can't be read.
    `license` is an SPDX expression; `demand` what it asks of FFmpeg's own licence at this FFmpeg's release.
    `linkage` is "static" (its code, or for what is loaded while running its headers, is in the file), "shared" (a
    NEEDED entry, or a stub that loads it), or "configured" (only a flag says so: the file is one of several, or the
    library leaves no trace).
    """

    name: str
    id: str
    version: str | None
    license: str
    demand: Demand
    linkage: Linkage
    evidence: tuple[Evidence, ...]

    @property
    def row(self) -> Row:
        """What is known of the library: purl, CPE, `alone`, `sold`."""
        from .rows import ROWS

        return ROWS[self.id]

    @property
    def confidence(self) -> float:
        """That of its best evidence."""
        return max((one.confidence for one in self.evidence), default=0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "version": self.version,
            "license": self.license,
            "demand": self.demand.value,
            "linkage": self.linkage,
            "evidence": [[one.technique, one.text, one.offset, one.confidence] for one in self.evidence],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Component:
        """Raises KeyError where the row is gone: what was kept is of another release of this module."""
        from .rows import ROWS

        return cls(
            ROWS[kept["id"]].name,
            kept["id"],
            kept["version"],
            kept["license"],
            Demand(kept["demand"]),
            kept["linkage"],
            tuple(Evidence(*one) for one in kept["evidence"]),
        )


class Version(NamedTuple):
    """Where a version stands in a file: `pattern`, which has a group of that name, at or near the text `near`."""

    near: bytes
    pattern: bytes
    last: bool = False  # counts only where no other of the row is in the file


class Older(NamedTuple):
    """What was true of a library's versions below `below`."""

    below: tuple[int, ...]
    license: str
    demand: Demand | None = None  # None: the same


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one library.

    `id` is the X of ``--enable-X`` with underscores where configure has (or had) such an `option`.
    `texts` are what the library's own code holds, and nothing else does; one of them is enough. `symbols` are names
    that it defines, a ``*`` at the end for any rest. `sonames` are the beginnings of NEEDED names, up to ``.so`` or the
    hash that auditwheel adds. `parts` are the names in FFmpeg's tables that no build without the library has.
    `opened` says that FFmpeg loads it while running: only its headers are compiled in.
    `last` is the last FFmpeg release (major, minor) whose configure made the demand; None: still does.
    """

    id: str
    name: str
    license: str
    demand: Demand = Demand.NONE
    _: KW_ONLY
    texts: tuple[bytes, ...] = ()
    versions: tuple[Version, ...] = ()
    symbols: tuple[str, ...] = ()
    sonames: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    opened: bool = False
    option: bool = True
    aliases: tuple[str, ...] = ()  # further options that enable it
    by_option: bool = False  # configure asks for its option only: the library also comes with another one
    alone: str | None = None  # the least licence of an FFmpeg with it, where that is more than the demand says
    last: tuple[int, int] | None = None
    older: Older | None = None
    sold: bool = False  # the owners also sell a licence other than the GPL
    purl: str | None = None  # without a version
    product: str | None = None  # vendor:product in the CPE dictionary
    note: str | None = None  # what a reader of the table should know

    @property
    def cpe(self) -> str | None:
        """The CPE 2.3 name for any version; None where the dictionary has none, or it isn't known here."""
        return f"cpe:2.3:a:{self.product}:*:*:*:*:*:*:*:*" if self.product else None
