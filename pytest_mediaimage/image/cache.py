"""Where what was learnt is kept: the user's cache directory, and the facts of layers in it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import zstandard

from ..errors import InvalidReference
from ..storage import storage_faults, write_atomically
from .digest import Digest
from .layer import LayerFacts
from .scan import Analyser

_DAMAGE = (
    zstandard.ZstdError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    InvalidReference,
    MemoryError,  # what the length in a damaged frame asks for
)
# Raise it when LayerFacts or the reading of tar members changes.
_FACTS_VERSION = 2


def default_cache_directory() -> Path:
    """`$XDG_CACHE_HOME/pytest-mediaimage`, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "pytest-mediaimage"


def prepare_cache_directory(path: Path) -> Path:
    """Make the directory, for this user alone. Raises StorageFault where it can't be written."""
    with storage_faults(path, any_kind=True):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=path):
            pass
    return path.resolve()


class FactsCache:
    """Keeps LayerFacts by diffID and by the analysers that made them."""

    def __init__(self, directory: Path, analysers: Sequence[Analyser]) -> None:
        self._directory = directory / "layers"
        self._suffix = "-".join([str(_FACTS_VERSION), *(f"{a.name}{a.version}" for a in analysers)])

    def _path(self, diff_id: Digest) -> Path:
        return self._directory / f"{diff_id.hex}-{self._suffix}.json.zst"

    def load(self, diff_id: Digest) -> LayerFacts | None:
        try:
            data = self._path(diff_id).read_bytes()
        except OSError:
            return None
        try:
            facts = LayerFacts.from_json(json.loads(zstandard.ZstdDecompressor().decompress(data)))
        except _DAMAGE:
            return None  # damaged: the layer is read again
        return facts if facts.diff_id == diff_id else None

    def store(self, facts: LayerFacts) -> None:
        data = json.dumps(facts.to_json(), separators=(",", ":")).encode()
        compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        write_atomically(self._path(facts.diff_id), compressor.compress(data))
