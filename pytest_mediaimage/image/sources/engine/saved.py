"""The layers in an engine's save stream.

Docker up to 24 saves `ID/layer.tar`, which says nothing of the content; later ones an OCI layout and Podman `HEX.tar`,
where a name is the diffID, or with the containerd store the digest of the compressed blob. So a layer is known by its
name, or else by its diffID once it has been read; which member held which is kept for the next pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path

from ....errors import InvalidReference
from ....storage import write_atomically
from ...config import Config
from ...digest import Digest
from ...layer import Layer
from ...layer_stream import LayerStream
from ...manifest import Manifest
from .saving import Saving

_LAYER = re.compile(r"blobs/sha256/([0-9a-f]{64})|([0-9a-f]{64})\.tar|([0-9a-f]{64})/layer\.tar")


class SavedContent:
    """Content that comes in one stream, whatever of it is wanted. `manifest` is the containerd store's."""

    def __init__(self, saving: Saving, config: Config, cache: Path, manifest: Manifest | None = None) -> None:
        self._saving = saving
        self._diff_ids = set(config.diff_ids)
        self._map = cache / "engine" / f"{config.digest.hex}.members.json"
        self._blobs: dict[str, tuple[Digest, tuple[Digest, int] | None]] = {
            diff_id.hex: (diff_id, None) for diff_id in config.diff_ids
        }
        if manifest is not None:
            for diff_id, blob in zip(config.diff_ids, manifest.layers, strict=True):
                self._blobs[blob.digest.hex] = (diff_id, (blob.digest, blob.length))

    def layer_streams(self, layers: Sequence[Layer], *, identified: bool) -> Generator[LayerStream, None, None]:
        wanted = {layer.diff_id for layer in layers}
        # What one pass couldn't hand out, since it wasn't known beforehand, the next can.
        for _ in range(2 if identified else 1):
            if wanted:
                yield from self._pass(wanted, identified)

    def _pass(self, wanted: set[Digest], identified: bool) -> Generator[LayerStream, None, None]:
        """Streams of the layers that are wanted, which they are no longer then, and maybe of unknown ones."""
        known = self._load_map()
        seen = dict(known)
        try:
            for member, content in self._saving.members():
                name = _LAYER.fullmatch(member.name.removeprefix("./")) if member.type == "0" else None
                if name is None:
                    continue
                diff_id, compressed = self._blobs.get(name[name.lastindex or 0], (known.get(member.name), None))
                if (diff_id is None and _is_document(content.peek())) or (diff_id and diff_id not in wanted):
                    continue
                stream = LayerStream(content, where=f"layer {member.name}", compressed=compressed, diff_id=diff_id)
                if diff_id is None and identified:
                    with stream:
                        actual = stream.verify()
                else:
                    yield stream
                    actual = diff_id or stream.verify()
                    wanted.discard(actual)
                if diff_id is None and actual in self._diff_ids:
                    seen[member.name] = actual
                if not wanted:
                    return
        finally:
            if seen != known:
                write_atomically(self._map, json.dumps(seen).encode())

    def _load_map(self) -> dict[str, Digest]:
        with suppress(OSError, ValueError, InvalidReference, AttributeError):
            return {str(name): Digest(digest) for name, digest in json.loads(self._map.read_bytes()).items()}
        return {}


def _is_document(head: bytes) -> bool:
    """Layouts keep manifests and configurations among the layers."""
    return head[:1] == b"{" and head[257:262] != b"ustar"
