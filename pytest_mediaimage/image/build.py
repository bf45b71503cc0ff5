"""Writes OCI image layouts: the same bytes for the same input. The demo image and the tests are made with it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from .digest import Digest, Platform

# Time stamps would make each build another image; this is the epoch that reproducible builds use for "none".
_EPOCH = "1970-01-01T00:00:00Z"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True)
class Item:
    """A member of a layer to be. `data` is content, or a file to read it from; `type` is one of tarfile's."""

    path: str
    data: bytes | Path = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    type: bytes = tarfile.REGTYPE
    link: str = ""

    @classmethod
    def directory(cls, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Item:
        return cls(path, mode=mode, uid=uid, gid=gid, type=tarfile.DIRTYPE)

    @classmethod
    def symlink(cls, path: str, target: str) -> Item:
        return cls(path, mode=0o777, type=tarfile.SYMTYPE, link=target)

    @classmethod
    def hardlink(cls, path: str, target: str, mode: int = 0o644) -> Item:
        return cls(path, mode=mode, type=tarfile.LNKTYPE, link=target)


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """A layer as bytes, with the instruction that stands for it in the history."""

    data: bytes
    diff_id: Digest
    media_type: str
    created_by: str


def tar_of(items: Iterable[Item]) -> bytes:
    """An uncompressed pax tar of the items, in their order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for item in items:
            info = tarfile.TarInfo(item.path)
            info.mode, info.uid, info.gid = item.mode, item.uid, item.gid
            info.type, info.linkname = item.type, item.link
            data = item.data.read_bytes() if isinstance(item.data, Path) else item.data
            info.size = len(data) if item.type == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def layer(
    items: Iterable[Item] | bytes, created_by: str = "", *, compression: str = "zstd", level: int = 3
) -> BuiltLayer:
    """A layer from items, or from tar bytes. `compression` is `zstd`, `gzip` or `none`."""
    plain = items if isinstance(items, bytes) else tar_of(items)
    suffix = {"zstd": "+zstd", "gzip": "+gzip", "none": ""}[compression]
    if compression == "zstd":
        data = zstandard.ZstdCompressor(level=level, write_checksum=True).compress(plain)
    elif compression == "gzip":
        data = gzip.compress(plain, compresslevel=min(level, 9), mtime=0)
    else:
        data = plain
    return BuiltLayer(data, _digest(plain), _LAYER_TYPE + suffix, created_by)


@dataclass(slots=True)
class LayoutWriter:
    """Collects images for one layout directory; `finish` writes its index.json."""

    root: Path
    _manifests: list[dict[str, Any]] = field(default_factory=list)

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Write a blob and return its descriptor."""
        digest = _digest(data)
        path = self.root / "blobs" / digest.algorithm / digest.hex
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(
        self,
        layers: Sequence[BuiltLayer],
        *,
        tag: str = "",
        platform: str = "linux/amd64",
        config: Mapping[str, Any] | None = None,
        history: Sequence[Mapping[str, Any]] | None = None,
        annotations: Mapping[str, str] | None = None,
        listed: bool = True,
    ) -> dict[str, Any]:
        """Write an image and return its descriptor. `config` is the part under `config` in Docker's capitals.

        `history` replaces the one made from the layers; `listed` False leaves the image out of index.json, for
        an index that holds it.
        """
        os, architecture, *variant = Platform(platform).split("/")
        document = {
            "created": _EPOCH,
            "os": os,
            "architecture": architecture,
            **({"variant": variant[0]} if variant else {}),
            "config": dict(config or {}),
            "rootfs": {"type": "layers", "diff_ids": [item.diff_id for item in layers]},
            "history": [{"created": _EPOCH, "created_by": item.created_by} for item in layers]
            if history is None
            else list(history),
        }
        media_type = "application/vnd.oci.image.manifest.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": self.blob(_json(document), "application/vnd.oci.image.config.v1+json"),
            "layers": [self.blob(item.data, item.media_type) for item in layers],
            **({"annotations": dict(annotations)} if annotations else {}),
        }
        descriptor = self.blob(_json(manifest), media_type)
        parts = {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        descriptor["platform"] = parts
        return self.list(descriptor, tag) if listed else descriptor

    def index(self, manifests: Sequence[Mapping[str, Any]], *, tag: str = "", listed: bool = True) -> dict[str, Any]:
        """Write an index over `manifests` and return its descriptor."""
        media_type = "application/vnd.oci.image.index.v1+json"
        document = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(manifests)}
        descriptor = self.blob(_json(document), media_type)
        return self.list(descriptor, tag) if listed else descriptor

    def list(self, descriptor: dict[str, Any], tag: str = "") -> dict[str, Any]:
        """Name a descriptor in index.json."""
        named = {"annotations": {"org.opencontainers.image.ref.name": tag}} if tag else {}
        self._manifests.append({**descriptor, **named})
        return descriptor

    def finish(self) -> Path:
        """Write `oci-layout` and `index.json`, and return the layout's directory."""
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": self._manifests,
        }
        (self.root / "index.json").write_bytes(_json(index))
        (self.root / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
        return self.root


def _digest(data: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
