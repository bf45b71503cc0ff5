"""The SBOMs attached to an image, found and opened, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import CorruptImage, RegistryUnavailable
from ...image.attached import IN_INDEX, SBOM, Attached, beside, content, in_index, parts
from ...image.digest import Digest
from ...image.image import Image
from ...image.manifest import Descriptor
from ..context import Context

if TYPE_CHECKING:
    from ...sbom.attached import Opened

MOST = 16
"""SBOMs that are opened; who attaches one with each scan may have hundreds."""


@dataclass(frozen=True, slots=True)
class AttachedSbom:
    """`part` is the blob; `opened` None where it can't be read, with the reason in `problem`."""

    attached: Attached
    part: Descriptor
    opened: Opened | None
    problem: str = ""

    @property
    def name(self) -> str:
        """Where it is, so that it can be looked at."""
        return f"the SBOM {self.part.digest} ({self.attached.way})"

    def digests(self) -> frozenset[str]:
        """What it says that it is about: by the statement around it, else by itself.

        BuildKit's statements name nothing where the export has no name; then the index says it for them.
        """
        if self.opened is None:
            return frozenset()
        if self.opened.stated:
            return self.opened.stated
        if self.attached.way == IN_INDEX and self.opened.stated is not None:
            return frozenset({self.attached.subject})
        return self.opened.document.subject_digests


@dataclass(frozen=True, slots=True)
class AttachedSboms:
    """`sboms` are those for this image, `left_out` counts the ones that weren't opened.

    `possible` is False where the source keeps nothing beside an image.
    """

    sboms: tuple[AttachedSbom, ...]
    left_out: int = 0
    possible: bool = True

    @property
    def readable(self) -> list[AttachedSbom]:
        return [sbom for sbom in self.sboms if sbom.opened is not None]


def look(image: Image) -> AttachedSboms:
    """Raises CorruptImage where the lists can't be read, or an EnvironmentFault."""
    offering = image.offering
    if offering is None or not (offering.is_index or offering.attachments is not None):
        return AttachedSboms((), possible=False)
    found = [item for item in _attached(image) if item.kind == SBOM]
    sboms = [sbom for item in found[:MOST] for sbom in _opened(image, item)]
    others = _other_images(image)
    kept = [sbom for sbom in sboms if not _about_another(sbom, image, others)]
    return AttachedSboms(tuple(kept), max(0, len(found) - MOST))


def own_digests(image: Image) -> frozenset[str]:
    """By which an SBOM may name this image: manifest, index and configuration."""
    return frozenset(filter(None, (image.digest, image.index_digest, image.config_digest)))


def required(context: Context) -> AttachedSboms:
    """What is attached. Skips where nothing can be, and where a registry that nobody asked us to ask doesn't answer."""
    try:
        found = context.subject.attached_sboms()
    except RegistryUnavailable as fault:
        if context.policy.sbom_attached or context.policy.sbom_formats:
            raise
        context.skip(f"what is attached can't be looked up: {fault.message}")
    if not found.possible:
        context.skip("this source keeps nothing beside an image; name it in its registry, or as a layout")
    return found


def readable(context: Context) -> list[AttachedSbom]:
    """The SBOMs that could be opened. Skips where there are none."""
    found = required(context).readable
    if not found:
        context.skip("no SBOM that can be read is attached")
    return found


def _attached(image: Image) -> Iterator[Attached]:
    assert image.offering is not None
    yield from in_index(image.offering, image.digest)
    for digest in filter(None, (image.digest, image.index_digest)):
        yield from beside(image.offering, digest)


def _opened(image: Image, item: Attached) -> Iterator[AttachedSbom]:
    from ...sbom.attached import open_attached
    from ...sbom.document import InvalidSbom

    assert image.offering is not None
    try:
        found = parts(image.offering, item)[:MOST]
    except CorruptImage as error:
        yield AttachedSbom(item, item.artifact, None, error.message)
        return
    for part in found:
        try:
            yield AttachedSbom(item, part, open_attached(content(image.offering, part)))
        except (CorruptImage, InvalidSbom) as error:
            yield AttachedSbom(item, part, None, error.message)


def _other_images(image: Image) -> frozenset[Digest]:
    assert image.offering is not None
    return frozenset(descriptor.digest for _, descriptor in image.offering.images) - {image.digest}


def _about_another(sbom: AttachedSbom, image: Image, others: frozenset[Digest]) -> bool:
    """Whether it was attached to the index, and is about another platform's image."""
    told = sbom.digests()
    return sbom.attached.subject == image.index_digest and bool(told & others) and not told & own_digests(image)
