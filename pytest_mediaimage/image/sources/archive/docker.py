"""`docker-archive:FILE`: what `docker save` writes, and skopeo, podman, kaniko and Bazel: read by its manifest.json.

Docker to 24 saves a layer as `<id>/layer.tar`, or as a symbolic link where it was saved before; others name layers by
a digest, and some compress them. From 25 on the archive is an OCI layout as well. What a member is, manifest.json says,
not its name.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from ....errors import CorruptImage, InvalidReference, PlatformNotFound
from ...config import Config
from ...digest import Digest, Platform
from ...document import array, fields, parse_document, string, strings
from ...image import Image
from ...layer import Layer
from ...layer_stream import LayerStream
from ...reading import Content, opened_in_turn
from ...reference import Reference
from ..base import NotHere, Opening
from ..names import means, several
from .forward import Forward
from .members import Opener, Place, TarMembers

_MANIFEST = "manifest.json"
# Most tools name the configuration by its digest, with or without an ending.
_NAMED_BY_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})(?:\.json)?")


class DockerArchiveSource:
    """Reads images from archives in Docker's own format, without unpacking them."""

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        return _Archive(TarMembers.of(reference), reference).open(platform, opening)

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        return _Archive(TarMembers.of(reference), reference).platforms()


class _Archive:
    """The image of an archive that a reference means; several where it comes for several platforms."""

    def __init__(self, members: TarMembers, reference: Reference) -> None:
        """Raises NotHere, CorruptImage, or InvalidReference where the archive holds several images."""
        if _MANIFEST not in members:
            raise NotHere(_what_else(members))
        self._members = members
        self._reference = reference
        self._images = self._choose(_saved_images(members.document(_MANIFEST)))

    def platforms(self) -> Sequence[Platform]:
        return [config.platform for _, config in self._images]

    def open(self, platform: Platform, opening: Opening) -> Image:
        """Raises PlatformNotFound, or CorruptImage where a layer is missing."""
        for saved, config in sorted(self._images, key=lambda image: image[1].platform != platform):
            # linux/arm/v7 is an answer to linux/arm where there is no better one, not the other way round.
            if config.platform == platform or config.platform.startswith(f"{platform}/"):
                return Image(
                    self._reference,
                    source="docker-archive",
                    config=config,
                    content=self._content(saved),
                    cache=opening.cache,
                    analysers=opening.analysers,
                )
        raise PlatformNotFound(self._reference.text, platform, sorted(self.platforms()))

    def _content(self, saved: _SavedImage) -> Content:
        places = tuple(self._members.find(name) for name in saved.layers)
        content = _Layers(saved.layers, places, self._members.open)
        return content if self._members.seekable else _InOrder(self._members, content)

    def _choose(self, held: Sequence[_SavedImage]) -> list[tuple[_SavedImage, Config]]:
        tag, digest = self._reference.tag, self._reference.digest
        found: dict[Digest, tuple[_SavedImage, Config]] = {}
        for saved in held:
            if tag and not any(means(tag, name) for name in saved.tags):
                continue
            config = self._config(saved)
            if not digest or digest == config.digest:
                found.setdefault(config.digest, (saved, config))
        if not found:
            raise NotHere(f"the archive holds no image {digest or tag}; it holds: {_listed(held) or 'none'}")
        images = list(found.values())
        if several([config.platform for _, config in images], [saved.tags for saved, _ in images]):
            raise InvalidReference(
                f"{self._reference.text} holds several images: {_listed([saved for saved, _ in images])}",
                remedy=f"Name one: docker-archive:{self._reference.location}{_example(found)}, for instance.",
            )
        return images

    def _config(self, saved: _SavedImage) -> Config:
        data = self._members.document(saved.config)
        digest = Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")
        parse_document(data, blob=saved.config)
        named = _NAMED_BY_DIGEST.fullmatch(posixpath.basename(saved.config))
        if named and named[1] != digest.hex:
            raise CorruptImage(
                f"the configuration is damaged: its content has the digest {digest}",
                blob=saved.config,
                remedy="Save the image again.",
            )
        config = Config.from_bytes(data, digest)
        if len(config.diff_ids) != len(saved.layers):
            raise CorruptImage(
                f"manifest.json lists {len(saved.layers)} layers, the configuration {len(config.diff_ids)} diffIDs",
                blob=saved.config,
            )
        return config


@dataclass(frozen=True, slots=True)
class _SavedImage:
    """An image as manifest.json lists it: the names of its members, and its tags."""

    config: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


def _saved_images(data: bytes) -> list[_SavedImage]:
    # A list where every other document is an object; the checks that are made of those are made of it all the same.
    document = parse_document(b'{"images":' + data + b"}", blob=_MANIFEST)
    try:
        if len(document) > 1 or not (images := array(document["images"])):
            raise ValueError("no list of images")
        return [_saved_image(item) for item in images]
    except (KeyError, TypeError, ValueError) as error:
        reason = f"an image without {error}" if isinstance(error, KeyError) else str(error)
        raise CorruptImage(f"the list of images is malformed: {reason}", blob=_MANIFEST) from error


def _saved_image(item: Any) -> _SavedImage:
    own = fields(item, "Config", "RepoTags", "Layers")
    return _SavedImage(string(own["Config"]), strings(own.get("RepoTags")), strings(own.get("Layers")))


@dataclass(frozen=True, slots=True)
class _Layers:
    """Layers at places that `opener` opens."""

    names: tuple[str, ...]
    places: tuple[Place, ...]
    opener: Opener

    @contextmanager
    def open_layer(self, layer: Layer) -> Iterator[LayerStream]:
        where = f"layer {layer.index + 1} ({self.names[layer.index][:80]})"
        with (
            self.opener(self.places[layer.index]) as file,
            LayerStream(file, where=where, diff_id=layer.diff_id) as stream,
        ):
            yield stream


@dataclass(frozen=True, slots=True)
class _InOrder:
    """The layers of a compressed archive, in the order in which they lie there: one reading serves all."""

    members: TarMembers
    content: _Layers

    def layer_streams(self, layers: Sequence[Layer], *, identified: bool) -> Iterator[LayerStream]:
        ordered = sorted(layers, key=lambda layer: self.content.places[layer.index].offset)
        with closing(Forward(self.members)) as forward:
            content = _Layers(self.content.names, self.content.places, forward.open)
            yield from opened_in_turn(content, ordered)


def _what_else(members: TarMembers) -> str:
    if "oci-layout" in members:
        return "it is no Docker archive (it has no manifest.json), but an OCI image layout: write oci-archive:"
    if "repositories" in members:
        return "it was saved by a Docker before 1.10 and has no manifest.json; load it and save it again"
    return "it is a tar file, but no Docker archive (it has no manifest.json, which `docker save` writes)"


def _listed(images: Sequence[_SavedImage]) -> str:
    return ", ".join(name for image in images for name in image.tags or (f"one without a name ({image.config[:80]})",))


def _example(found: dict[Digest, tuple[_SavedImage, Config]]) -> str:
    digest, (saved, _) = next(iter(found.items()))
    return f":{saved.tags[0]}" if saved.tags else f"@{digest}"
