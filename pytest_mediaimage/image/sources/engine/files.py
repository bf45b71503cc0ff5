"""The short way to an engine's layers: out of its own directory, where this process may read it.

An engine that keeps images as directories has to write out each layer before it can save it. Here a layer is put
together from the same files, each by itself and several at once. What comes out is checked against the diffID as
what an engine saves is; where anything is not as expected the engine is asked after all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ....engine.connect import Engine
from ....errors import CorruptImage
from ...config import Config
from ...digest import Digest
from ...layer import Layer
from ...layer_stream import LayerStream
from ...tar.split import SplitTar
from .saved import SavedContent

Places = Mapping[Digest, "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine keeps a layer: the record of its tar (see `tarsplit`), and the directory of its files."""

    record: Path
    files: Path

    @property
    def readable(self) -> bool:
        return os.access(self.record, os.R_OK) and os.access(self.files, os.R_OK | os.X_OK)


def docker_places(engine: Engine, diff_ids: Sequence[Digest]) -> Places | None:
    """Where Docker's overlay2 driver keeps the layers; None where that can't be used."""
    root = _directory(engine, "overlay2")
    if root is None:
        return None
    places: dict[Digest, Place] = {}
    chain = ""
    with suppress(OSError, ValueError):
        for diff_id in diff_ids:
            # The chain ID of the OCI image specification, config.md.
            chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
            kept = root / "image" / "overlay2" / "layerdb" / "sha256" / Digest(chain).hex
            if (kept / "diff").read_text() != diff_id:
                return None
            name = (kept / "cache-id").read_text()
            places[diff_id] = Place(kept / "tar-split.json.gz", root / "overlay2" / name / "diff")
    return _usable(places, diff_ids)


def podman_places(engine: Engine, diff_ids: Sequence[Digest]) -> Places | None:
    """Where Podman's overlay driver keeps the layers; None where that can't be used."""
    root = _directory(engine, "overlay")
    if root is None:
        return None
    places: dict[Digest, Place] = {}
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        layers = json.loads((root / "overlay-layers" / "layers.json").read_bytes())
        below = {(layer.get("parent", ""), layer.get("diff-digest")): str(layer["id"]) for layer in layers}
        parent = ""
        for diff_id in diff_ids:
            parent = below[parent, diff_id]
            record = root / "overlay-layers" / f"{parent}.tar-split.gz"
            places[diff_id] = Place(record, root / "overlay" / parent / "diff")
    return _usable(places, diff_ids)


def docker_config(engine: Engine, identity: Digest) -> Config | None:
    """The configuration itself, where Docker's directory may be read."""
    root = _directory(engine, "overlay2")
    if root is None:
        return None
    return _config(root / "image" / "overlay2" / "imagedb" / "content" / "sha256" / identity.hex, identity)


def podman_config(engine: Engine, identity: Digest) -> Config | None:
    """The configuration itself, where Podman's directory may be read."""
    root = _directory(engine, "overlay")
    if root is None:
        return None
    # containers/storage writes the names of documents in base64, since they hold a colon.
    name = f"={base64.b64encode(identity.encode()).decode()}"
    return _config(root / "overlay-images" / identity.hex / name, identity)


def _config(path: Path, identity: Digest) -> Config | None:
    with suppress(OSError):
        data = path.read_bytes()
        if f"sha256:{hashlib.sha256(data).hexdigest()}" == identity:
            return Config.from_bytes(data, identity)
    return None


def _directory(engine: Engine, driver: str) -> Path | None:
    """The engine's directory, where it lies on this machine and its files are a layer's own and nothing but them."""
    if not engine.is_local:
        return None
    info = engine.info
    status = {str(pair[0]): pair[1] for pair in info.get("DriverStatus") or () if len(pair) == 2}
    whole = status.get("Native Overlay Diff") == "true" and status.get("Using metacopy", "false") == "false"
    rootless = info.get("Rootless") or "name=rootless" in (info.get("SecurityOptions") or ())
    if info.get("Driver") != driver or not whole or rootless:
        return None
    root = Path(str(info.get("DockerRootDir") or ""))
    return root if root.is_absolute() and os.access(root, os.R_OK | os.X_OK) else None


def _usable(places: Places, diff_ids: Sequence[Digest]) -> Places | None:
    whole = places.keys() == set(diff_ids) and all(place.readable for place in places.values())
    return places if whole else None


class FilesContent:
    """Layers out of the engine's directory; `saved` gives those with which something is wrong there."""

    def __init__(self, places: Places, saved: SavedContent) -> None:
        self._places = dict(places)
        self._saved = saved
        self._saving = threading.Lock()

    @contextmanager
    def open_layer(self, layer: Layer) -> Iterator[LayerStream]:
        """A stream of the layer; several may be open. Raises CorruptImage, after which `reads_otherwise` is asked."""
        tar = self._tar(layer)
        if tar is None:
            # One at a time: for each the engine writes out the whole image.
            with self._saving, closing(self._saved.layer_streams([layer], identified=True)) as streams:
                for stream in streams:
                    with stream:
                        yield stream
                    return
            raise CorruptImage("the engine doesn't save this layer of the image", blob=layer.diff_id)
        where = f"layer {layer.index + 1} ({layer.diff_id[:19]})"
        with closing(tar), LayerStream(tar, where=where, diff_id=layer.diff_id) as stream:
            yield stream

    def reads_otherwise(self, layer: Layer) -> bool:
        """Whether a layer that was damaged may be whole when it is opened again: then the engine saves it."""
        return self._places.pop(layer.diff_id, None) is not None

    def _tar(self, layer: Layer) -> SplitTar | None:
        place = self._places.get(layer.diff_id)
        try:
            return SplitTar(place.record, place.files) if place is not None else None
        except OSError:
            self.reads_otherwise(layer)
            return None
