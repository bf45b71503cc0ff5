"""Image: the static view of an image under test, for one platform."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Protocol, cast

from ..errors import CorruptImage
from .blobs import BlobContent
from .cache import FactsCache
from .compression import LayerStream
from .config import Config
from .digest import Digest, Platform
from .export import export_layout
from .layer import FILE, Layer, LayerFacts
from .manifest import Manifest
from .reference import Reference
from .scan import Analyser, numbered, scan_layer
from .tar import TarReader
from .tree import Node, Tree
from .unpack import copy_content, unpack

_IN_MEMORY = 16 * 1024 * 1024


class Content(Protocol):
    """Where an image's layers come from."""

    def layer_streams(self, layers: Sequence[Layer], *, identified: bool) -> Iterator[LayerStream]:
        """A stream for each of `layers`, in any order; each is read to its end before the next is asked for.

        With `identified` each stream knows its diffID beforehand, even where finding out costs a pass.
        Without it there may be streams of other layers too.
        """


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A visible path of an image: `path` is absolute, `layer` counts from 0, `size` is in bytes."""

    path: str
    size: int
    mode: int
    uid: int
    gid: int
    layer: int
    type: str


class Image:
    """An image for one platform. Opening one reads documents only; layers are read when first asked for.

    `digest` is the manifest's, or the configuration's where the source keeps no manifest; `index_digest` is
    the digest of the index it was chosen from. `engine_name` is what a Docker Engine calls it, empty where it lies
    in none. Sizes are in bytes.
    """

    def __init__(
        self,
        reference: Reference,
        *,
        source: str,
        config: Config,
        content: Content,
        cache: Path,
        analysers: Sequence[Analyser] = (),
        manifest: Manifest | None = None,
        index_digest: Digest | None = None,
        engine_name: str = "",
    ) -> None:
        self.reference = reference
        self.source = source
        self.config = config
        self.manifest = manifest
        self.index_digest = index_digest
        self.engine_name = engine_name
        descriptors = manifest.layers if manifest else (None,) * len(config.diff_ids)
        self.layers = tuple(
            Layer(index, diff_id, descriptor, created_by)
            for index, (diff_id, descriptor, created_by) in enumerate(
                zip(config.diff_ids, descriptors, config.history, strict=True)
            )
        )
        self._content = content
        self._cache = FactsCache(cache, analysers)
        self._analysers = tuple(analysers)
        self._fault: CorruptImage | None = None

    @property
    def name(self) -> str:
        return self.reference.text

    @property
    def digest(self) -> Digest:
        return self.manifest.digest if self.manifest else self.config.digest

    @property
    def config_digest(self) -> Digest:
        return self.config.digest

    @property
    def platform(self) -> Platform:
        return self.config.platform

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.config.labels)

    @property
    def compressed_size(self) -> int | None:
        """What a pull transfers: layers and configuration. None where the source has no compressed layers."""
        if self.manifest is None:
            return None
        return sum(layer.length for layer in self.manifest.layers) + self.manifest.config.length

    @property
    def unpacked_size(self) -> int:
        """File contents of all layers together: what a node stores."""
        return sum(facts.unpacked_size for facts in self.layer_facts)

    @property
    def flattened_size(self) -> int:
        """File contents that a container sees."""
        return self.tree.flattened_size

    @cached_property
    def layer_facts(self) -> tuple[LayerFacts, ...]:
        """What is in each layer. Raises CorruptImage, the same one each time."""
        if self._fault is not None:
            raise self._fault
        known: dict[str, LayerFacts] = {}
        missing: dict[str, Layer] = {}
        for layer in self.layers:
            if (cached := self._cache.load(layer.diff_id)) is not None:
                known[layer.diff_id] = cached
            else:
                missing[layer.diff_id] = layer
        try:
            for stream in self._content.layer_streams(list(missing.values()), identified=False) if missing else ():
                facts = scan_layer(stream, self._analysers)
                if facts.diff_id in missing:
                    known[facts.diff_id] = facts
                    self._cache.store(facts)
        except CorruptImage as error:
            self._fault = error
            raise
        for diff_id in missing.keys() - known.keys():
            self._fault = CorruptImage(f"{self.name} lacks a layer that its configuration names", blob=diff_id)
            raise self._fault
        return tuple(known[layer.diff_id] for layer in self.layers)

    @cached_property
    def tree(self) -> Tree:
        return Tree(self.layer_facts)

    @property
    def files(self) -> list[FileEntry]:
        """Every visible path, directories and links too, sorted."""
        return [
            FileEntry("/" + n.path, n.entry.size, n.entry.mode, n.entry.uid, n.entry.gid, n.layer, n.type)
            for n in sorted(self.tree.nodes.values(), key=lambda node: node.path)
        ]

    def open(self, path: str) -> IO[bytes]:
        """The content of a regular file, links followed inside the image.

        Raises FileNotFoundError, or IsADirectoryError for what isn't a regular file.
        """
        node = self.tree.resolve(path)
        if node is None:
            raise FileNotFoundError(f"{path} isn't in {self.name}")
        if node.type != FILE:
            raise IsADirectoryError(f"{path} in {self.name} is a {node.type}, not a regular file")
        return self._read(node)

    def _streams(self, layers: Sequence[Layer]) -> Iterator[LayerStream]:
        return self._content.layer_streams(layers, identified=True)

    def _read(self, node: Node) -> IO[bytes]:
        layer, wanted = node.content
        spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        for stream in self._streams([self.layers[layer]]):
            reader = TarReader(stream, where=stream.where)
            for ordinal, _, member in numbered(reader):
                if ordinal == wanted:
                    if member.sparse is not None:
                        spool.rollover()  # in memory a hole takes its length, and at the end it would be lost
                    copy_content(reader, member, spool)
            stream.verify()
        spool.seek(0)
        return cast(IO[bytes], spool)

    def unpack(self, root: Path) -> None:
        """Write the tree that a container sees below `root`, an empty directory: without owners and devices."""
        unpack(self.tree, self.layers, self._streams, root)

    def write_layout(self, root: Path) -> Path:
        """Make `root` an OCI image layout of this image alone, blobs linked where they are files already.

        Raises ValueError for an image that has no manifest.
        """
        if self.manifest is None or not isinstance(self._content, BlobContent):
            raise ValueError(f"{self.name} has no manifest")
        export_layout(self._content.store, self.manifest, self.platform, root)
        return root

    def write_docker_archive(self, out: IO[bytes]) -> None:
        """Write what `docker load` reads: the configuration, and the layers uncompressed."""
        with tarfile.open(fileobj=out, mode="w|") as archive:
            _add(archive, f"{self.config.digest.hex}.json", self.config.raw)
            sizes = {facts.diff_id: facts.tar_size for facts in self.layer_facts}
            for stream in self._streams(list({layer.diff_id: layer for layer in self.layers}.values())):
                assert stream.diff_id is not None
                info = tarfile.TarInfo(_layer_name(stream.diff_id))
                info.size = sizes[stream.diff_id]
                archive.addfile(info, _Readable(stream))
                stream.verify()
            names = [_layer_name(layer.diff_id) for layer in self.layers]
            document = [{"Config": f"{self.config.digest.hex}.json", "RepoTags": None, "Layers": names}]
            _add(archive, "manifest.json", json.dumps(document).encode())


def _layer_name(diff_id: Digest) -> str:
    return f"{diff_id.hex}.tar"


class _Readable(io.RawIOBase):
    def __init__(self, stream: LayerStream) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        pieces = []
        while size and (piece := self._stream.read(min(size, 1 << 20))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))
