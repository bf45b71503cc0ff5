"""Layer, and what one reading of it taught us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .digest import Digest
from .entries import Entries
from .manifest import Descriptor


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image. `descriptor` is None where the source has no compressed blobs (Docker's daemon)."""

    index: int
    diff_id: Digest
    descriptor: Descriptor | None
    created_by: str

    @property
    def compressed_size(self) -> int | None:
        return self.descriptor.length if self.descriptor else None


@dataclass(slots=True)
class LayerFacts:
    """What one pass over a layer found.

    `entries` are in the order of the tar; `unsafe` holds (name, reason) of members that were not followed;
    `found` maps an analyser's name to {ordinal in entries: its JSON}; `xattrs` maps an ordinal to {name: value in
    hexadecimal}; `tar_size` is the length of the uncompressed stream. `packing` is the digest of the blob that was
    read, and how it was compressed: the same layer may be packed otherwise elsewhere, so it isn't kept with the rest.
    """

    diff_id: Digest
    tar_size: int
    entries: Entries
    unsafe: list[tuple[str, str]] = field(default_factory=list)
    found: dict[str, dict[int, Any]] = field(default_factory=dict)
    xattrs: dict[int, dict[str, str]] = field(default_factory=dict)
    packing: tuple[Digest, str] | None = field(default=None, compare=False)

    @property
    def unpacked_size(self) -> int:
        """Bytes of all file contents in the layer, hard links once."""
        return self.entries.total_length()
