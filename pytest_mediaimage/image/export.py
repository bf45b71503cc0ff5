"""Writes one image out of a blob store as a layout of its own, for programs that can't choose among several."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..storage import storage_faults
from .blobs import BlobStore
from .digest import Digest, Platform
from .manifest import Manifest


def export_layout(store: BlobStore, manifest: Manifest, platform: Platform, root: Path) -> None:
    """Make `root` a layout that holds `manifest` alone. Blobs that are files are linked, others copied."""
    with storage_faults(root):
        for digest in (manifest.digest, manifest.config.digest, *(layer.digest for layer in manifest.layers)):
            _place(store, digest, root / "blobs" / digest.algorithm / digest.hex)
        with store.open(manifest.digest) as file:
            length = len(file.read())
        os, architecture, *variant = platform.split("/")
        descriptor = {
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": length,
            "platform": {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})},
        }
        (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
        (root / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def _place(store: BlobStore, digest: Digest, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        return
    file = store.file(digest)
    if file is not None:
        target.symlink_to(file.resolve())
        return
    with store.open(digest) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
