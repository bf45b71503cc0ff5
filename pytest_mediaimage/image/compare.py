"""Two images side by side: what a node that holds the old one must pull again for the new one, and what changed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .entries import FILE, Entries
from .image import Image
from .layer import Layer, LayerFacts


@dataclass(frozen=True, slots=True)
class Reuse:
    """What a node that holds the old image needs for the new one, in compressed bytes or, where those aren't known, in
    unpacked ones.

    `shared` is the number of lowest layers that are the same in both. An engine knows an unpacked layer by its
    ChainID (OCI image-spec, config.md): by itself and all layers below. So `again`, the bytes of the layers above the
    shared ones, is unpacked anew, and pulled anew by every engine that drops blobs once they are unpacked, as the
    Docker Engine does and containerd under discard_unpacked_layers. `again_by_blob` is what is pulled where blobs are
    kept and a known digest is enough: None where a digest isn't known.
    """

    shared: int
    total: int
    again: int
    again_by_blob: int | None
    compressed: bool

    @property
    def percent(self) -> float:
        """How much of the new image needs not be pulled; all of an image without bytes."""
        return 100 * (self.total - self.again) / self.total if self.total else 100.0


def shared_layers(old: Image, new: Image) -> int:
    """The number of lowest layers that both have, in the same order."""
    count = 0
    for ours, theirs in zip(new.layers, old.layers, strict=False):
        if ours.diff_id != theirs.diff_id:
            break
        count += 1
    return count


def reuse(old: Image, new: Image) -> Reuse:
    """Needs the documents alone where the new image's source knows compressed sizes, else its layers."""
    shared = shared_layers(old, new)
    weights = layer_weights(new, compressed=new.manifest is not None)
    by_blob = None
    if old.manifest is not None and new.manifest is not None:
        held = {descriptor.digest for descriptor in old.manifest.layers}
        wanted = {layer.digest: layer.length for layer in new.manifest.layers[shared:]}
        by_blob = sum(length for digest, length in wanted.items() if digest not in held)
    return Reuse(shared, sum(weights), sum(weights[shared:]), by_blob, new.manifest is not None)


def layer_weights(image: Image, *, compressed: bool) -> list[int]:
    """The bytes of each layer."""
    if compressed:
        return [layer.compressed_size or 0 for layer in image.layers]
    return [facts.unpacked_size for facts in image.layer_facts]


def counterparts(old: Image, new: Image) -> Mapping[int, int]:
    """Which layer of the old image each layer of the new one stands for, where there is one.

    It is the one with the same content, else the next that the same instruction made; without any history, the one
    at the same place.
    """
    found: dict[int, int] = {}
    free = dict.fromkeys(range(len(old.layers)))
    nameless = not any(layer.created_by for layer in (*old.layers, *new.layers))
    alike: tuple[Callable[[Layer, Layer], bool], ...] = (
        lambda ours, theirs: ours.diff_id == theirs.diff_id,
        lambda ours, theirs: bool(ours.created_by) and ours.created_by == theirs.created_by,
        lambda ours, theirs: nameless and ours.index == theirs.index,
    )
    for same in alike:
        for ours in new.layers:
            if ours.index not in found:
                match = next((index for index in free if same(ours, old.layers[index])), None)
                if match is not None:
                    found[ours.index] = match
                    del free[match]
    return found


def same_but_for_times(old: LayerFacts, new: LayerFacts) -> bool:
    """Whether two layers hold the same files, with the same owners and modes, and nothing but times can differ."""
    return (
        len(old.entries) == len(new.entries)
        and _without_times(old.entries) == _without_times(new.entries)
        and old.entries.rest() == new.entries.rest()
        and old.xattrs == new.xattrs
        and old.unsafe == new.unsafe
    )


def _without_times(entries: Entries) -> tuple[object, ...]:
    paths, ends, types, modes, lengths, _, fingerprints, owner = entries.columns()
    return paths, ends, types, modes, lengths, fingerprints, owner


def contents_of(layers: Iterable[LayerFacts]) -> set[int]:
    """A number for each file of these layers, made of its path and its content."""
    return {
        hash((facts.entries.path(ordinal), facts.entries.fingerprint(ordinal)))
        for facts in layers
        for ordinal in facts.entries.of_type(FILE)
    }


def new_files(facts: LayerFacts, known: set[int]) -> list[int]:
    """The ordinals of the files whose path and content aren't among `known` (see `contents_of`)."""
    entries = facts.entries
    return [
        ordinal
        for ordinal in entries.of_type(FILE)
        if hash((entries.path(ordinal), entries.fingerprint(ordinal))) not in known
    ]


def heaviest(entries: Entries, ordinals: Iterable[int], count: int) -> list[tuple[str, int]]:
    """Path, without a leading slash, and length in bytes of the `count` heaviest of these entries."""
    return [(entries.path(o), entries.length(o)) for o in heapq.nlargest(count, ordinals, key=entries.length)]
