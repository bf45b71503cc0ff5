"""What images are, in the numbers that a policy can hold: for --media-init."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import MediaImageError
from ..image.image import Image
from ..image.sources import platforms_of
from ..policy.starting import INTEREST, Measured
from ..result import Skip
from .subject import Listings, Subject


def measure(subjects: Sequence[Subject]) -> Measured:
    """Reads every layer. Raises CorruptImage or EnvironmentFault where one can't be."""
    images = [subject.image for subject in subjects]
    compressed = [image.compressed_size for image in images]
    return Measured(
        images=list(dict.fromkeys(subject.label for subject in subjects)),
        platforms=_platforms(subjects),
        compressed_size=None if None in compressed else max(size for size in compressed if size is not None),
        unpacked_size=max(image.unpacked_size for image in images),
        largest_layer=max(facts.unpacked_size for image in images for facts in image.layer_facts),
        layers=max(len(image.layers) for image in images),
        waste=max(100 * image.tree.wasted_size / (image.unpacked_size or 1) for image in images),
        compression=_compression(images),
        abilities=_abilities(subjects),
        user=all(image.config.user.partition(":")[0] not in ("", "root", "0") for image in images),
    )


def _platforms(subjects: Iterable[Subject]) -> list[str]:
    """Those that every image has, in the first one's order."""
    each = [
        [str(platform) for platform in platforms_of(subject.reference, subject.bench.opening)]
        for subject in {subject.label: subject for subject in subjects}.values()
    ]
    return [platform for platform in each[0] if all(platform in platforms for platforms in each)]


def _compression(images: Iterable[Image]) -> str | None:
    kinds = {
        layer.descriptor.media_type.rpartition(".")[2].rpartition("+")[2] if layer.descriptor else ""
        for image in images
        for layer in image.layers
    }
    kind = kinds.pop() if len(kinds) == 1 else ""
    return kind if kind in ("gzip", "zstd") else None


def _abilities(subjects: Sequence[Subject]) -> dict[str, list[str]]:
    """What each image's ffmpeg can do of what is of interest; nothing where one can't be asked."""
    try:
        listings: list[Listings] = [subject.listings() for subject in subjects]
    except (Skip, MediaImageError):
        return {}
    return {
        kind: [name for name in names if all(name in getattr(listed, kind) for listed in listings)]
        for kind, names in INTEREST.items()
    }
