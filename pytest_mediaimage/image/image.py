"""Image: the static view of an image under test, for one platform."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, cast

from xxhash import xxh3_64

from ..errors import CorruptImage, MediaImageError
from .blobs import BlobStore, check_readable
from .cache import FactsCache
from .config import Config
from .digest import Digest, Platform
from .entries import FILE
from .export import export_layout
from .layer import Layer, LayerFacts
from .layer_stream import LayerStream
from .manifest import Manifest
from .offering import Offering
from .packing import PackingCache, packing_of
from .progress import Progress
from .reading import Content, OpenableContent, opened_in_turn, read_layers
from .reference import Reference
from .scan import Analyser, numbered
from .tar import TarReader
from .tree import Node, Tree
from .unpack import copy_content, unpack

_IN_MEMORY = 16 * 1024 * 1024


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
    the digest of the index it was chosen from. `engine_name` is the ID of the image in the engine that it comes
    from, empty for other sources. `offering` is what the reference offers besides, None where the source doesn't
    know. Sizes are in bytes.
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
        offering: Offering | None = None,
    ) -> None:
        self.reference = reference
        self.source = source
        self.config = config
        self.manifest = manifest
        self.index_digest = index_digest
        self.engine_name = engine_name
        self.offering = offering
        descriptors = manifest.layers if manifest else (None,) * len(config.diff_ids)
        self.layers = tuple(
            Layer(index, diff_id, descriptor, created_by)
            for index, (diff_id, descriptor, created_by) in enumerate(
                zip(config.diff_ids, descriptors, config.history, strict=True)
            )
        )
        self._content = content
        self._cache = FactsCache(cache, analysers)
        self._packings = PackingCache(cache)
        self._analysers = tuple(analysers)
        self._fault: MediaImageError | None = None

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
        """What is in each layer. Raises CorruptImage or EnvironmentFault, the same one each time."""
        return self._facts(None)

    def read(self, progress: Progress | None = None) -> None:
        """Read what isn't known of the layers yet. A fault shows when they are asked for."""
        if "layer_facts" not in self.__dict__ and self._fault is None:
            with suppress(MediaImageError):
                self.layer_facts = self._facts(progress)

    def _facts(self, progress: Progress | None) -> tuple[LayerFacts, ...]:
        if self._fault is not None:
            raise self._fault
        known: dict[str, LayerFacts] = {}
        # Two blobs may claim to be one layer: each is checked.
        missing: dict[tuple[str, str], Layer] = {}
        try:
            for layer in self.layers:
                if layer.descriptor is not None:
                    check_readable(layer.descriptor)  # known or not: a run shall not depend on those before
                if (cached := self._cache.load(layer.diff_id)) is not None:
                    known[layer.diff_id] = cached
                else:
                    missing[layer.diff_id, layer.descriptor.digest if layer.descriptor else ""] = layer
            if missing:
                known |= self._read(list(missing.values()), progress)
        except MediaImageError as error:
            self._fault = error
            raise
        return tuple(known[layer.diff_id] for layer in self.layers)

    def _read(self, missing: Sequence[Layer], progress: Progress | None) -> dict[str, LayerFacts]:
        wanted = {layer.diff_id for layer in missing}
        found: dict[str, LayerFacts] = {}
        packings: dict[Digest, str] = {}
        lengths = [layer.compressed_size for layer in missing]
        if progress:
            expected = sum(length for length in lengths if length is not None) if None not in lengths else None
            progress.begin(self.name, len(missing), expected)
        try:
            with closing(read_layers(self._content, missing, self._analysers, progress)) as read:
                for facts in read:
                    if facts.diff_id in wanted:
                        self._cache.store(facts)
                        found[facts.diff_id] = facts
                        packings.update([facts.packing] if facts.packing else ())
        finally:
            if progress:
                progress.end()
        self._packings.add(packings)
        for diff_id in wanted - found.keys():
            raise CorruptImage(f"{self.name} lacks a layer that its configuration names", blob=diff_id)
        return found

    @cached_property
    def packings(self) -> tuple[str, ...]:
        """How each layer's blob is compressed, by its first bytes: `zstd`, `gzip`, `bzip2`, `xz` or `none`.

        Empty for a layer of which this source can't tell. Raises EnvironmentFault.
        """
        known = self._packings.load()
        learnt: dict[Digest, str] = {}
        store: BlobStore | None = getattr(self._content, "store", None)
        for layer in self.layers:
            blob = layer.descriptor.digest if layer.descriptor else None
            if store is not None and blob is not None and blob not in known and blob not in learnt:
                with suppress(CorruptImage), store.open(blob) as file:
                    learnt[blob] = packing_of(file)
        self._packings.add(learnt)
        known.update(learnt)
        return tuple(known.get(layer.descriptor.digest, "") if layer.descriptor else "" for layer in self.layers)

    @cached_property
    def tree(self) -> Tree:
        return Tree(self.layer_facts)

    @property
    def files(self) -> list[FileEntry]:
        """Every visible path, directories and links too, sorted."""
        return [
            FileEntry("/" + n.path, n.entry.size, n.entry.mode, n.entry.uid, n.entry.gid, n.layer, n.type)
            for n in self.tree
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
        return self.content_of(node)

    def _streams(self, layers: Sequence[Layer]) -> Iterator[LayerStream]:
        """A stream of each of `layers`, which knows its diffID; it's closed when the next is asked for."""
        if isinstance(self._content, OpenableContent):
            yield from opened_in_turn(self._content, layers)
        else:
            for stream in self._content.layer_streams(layers, identified=True):
                with stream:
                    yield stream

    def content_of(self, node: Node) -> IO[bytes]:
        """The content of a regular file."""
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

    def contents_of(self, nodes: Iterable[Node]) -> Iterator[tuple[Node, IO[bytes]]]:
        """The contents of regular files, each layer read once and no further than to the last of its files.

        A file is closed when the next is asked for. Raises CorruptImage where a content isn't the one that was seen
        when the layers were read.
        """
        wanted: dict[str, dict[int, list[Node]]] = {}
        layers: dict[str, Layer] = {}
        for node in nodes:
            layer = self.layers[node.content[0]]
            layers[layer.diff_id] = layer
            wanted.setdefault(layer.diff_id, {}).setdefault(node.content[1], []).append(node)
        for stream in self._streams(list(layers.values())):
            assert stream.diff_id is not None
            left = wanted[stream.diff_id]
            entries = self.layer_facts[layers[stream.diff_id].index].entries
            reader = TarReader(stream, where=stream.where)
            whole = not isinstance(self._content, OpenableContent)
            for ordinal, _, member in numbered(reader):
                if ordinal in left:
                    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
                        if member.sparse is not None:
                            spool.rollover()
                            whole = True  # the fingerprint is of what is stored
                        copy_content(reader, member, spool)
                        if member.sparse is None and _fingerprint(spool) != entries.fingerprint(ordinal):
                            raise CorruptImage(f"/{entries.path(ordinal)} has changed", blob=stream.where)
                        for node in left.pop(ordinal):
                            spool.seek(0)
                            yield node, cast(IO[bytes], spool)
                if not left and not whole:
                    break
            else:
                stream.verify()

    def unpack(self, root: Path) -> None:
        """Write the tree that a container sees below `root`, an empty directory: without owners and devices."""
        unpack(self.tree, self.layers, self._streams, root)

    def write_layout(self, root: Path) -> Path:
        """Make `root` an OCI image layout of this image alone, blobs linked where they are files already.

        Raises ValueError for an image that has no manifest.
        """
        store: BlobStore | None = getattr(self._content, "store", None)
        if self.manifest is None or store is None:
            raise ValueError(f"{self.name} has no manifest")
        export_layout(store, self.manifest, self.platform, root)
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


def _fingerprint(content: IO[bytes]) -> int:
    """As Entries has it; 0 for an empty file."""
    content.seek(0)
    found = xxh3_64()
    while chunk := content.read(1 << 20):
        found.update(chunk)
    return found.intdigest() if content.tell() else 0


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
