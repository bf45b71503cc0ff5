"""`manifest.platforms`: is each platform there that the fleet asks for, and is it what the index says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import CorruptImage
from ...image.config import Config
from ...image.digest import Platform
from ...image.document import fields, parse_document, string
from ...image.manifest import Descriptor
from ...image.offering import Offering
from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .words import LISTED, LOCAL, joined

# containers/image marks so what `podman push --add-compression` puts beside the gzip image of a platform
# (internal/manifest/oci_index.go).
_SECOND_COMPRESSION = "io.github.containers.compression."
# Each costs two requests where nothing is cached. Images of Docker Hub's library have up to a dozen.
_LOOKED_INTO = 50


@check(
    "manifest.platforms",
    fails="a platform of `image.platforms` that is missing, or an index whose entry holds an image of another platform",
    why="A node pulls by what the index says: without its platform the pull fails, with a wrong one every exec does.",
)
def platforms(context: Context) -> Iterator[Finding]:
    offering = context.image.offering
    if offering is None:
        context.skip(f"this source keeps one platform of an image only; {LOCAL}")
    offered = list(offering.images)
    wanted = [Platform(name) for name in context.policy.image_platforms]
    context.measure(
        joined(sorted({str(platform) for platform, _ in offered}), LISTED),
        budget=", ".join(wanted) or None,
    )
    for platform in dict.fromkeys(wanted):
        yield from _required(context, offering, platform)
    for platform, descriptor in offered[:_LOOKED_INTO]:
        yield from _promise(context, offering, platform, descriptor)
    yield from _repeated(context, offered)


def _required(context: Context, offering: Offering, wanted: Platform) -> Iterator[Finding]:
    for platform, _ in offering.images:
        if platform == wanted:
            return
    lower = [platform for platform, _ in offering.images if _runs(platform, wanted)]
    if lower:
        yield context.finding(
            f"{wanted} gets the image for {lower[0]}: there is none of its own",
            severity=Severity.NOTE,
            evidence=wanted,
            fix=f"Add {wanted} to --platform, if its instructions are worth a build of their own.",
        )
        return
    pinned = context.image.reference.digest == context.image.digest and not offering.is_index
    hint = "; the reference's digest is that of one platform's manifest, not of the index" if pinned else ""
    yield context.finding(
        f"no image for {wanted}{hint}; there is {joined([str(platform) for platform, _ in offering.images]) or 'none'}",
        evidence=wanted,
        fix="Name the index's digest (`docker buildx imagetools inspect NAME:TAG` tells it)."
        if pinned
        else f"Build it too: docker buildx build --platform {','.join(context.policy.image_platforms)} ...",
    )


def _runs(offered: Platform, wanted: Platform) -> bool:
    """Whether a node of the wanted platform takes the offered one for want of its own.

    containerd's order of 32-bit ARM and of x86-64 levels (its platforms package, platformVector).
    """
    if (offered.os, offered.architecture) != (wanted.os, wanted.architecture):
        return False
    return wanted.architecture in ("arm", "amd64") and _level(offered) < _level(wanted)


def _level(platform: Platform) -> int:
    variant = "".join(platform.split("/")[2:]).removeprefix("v")
    return int(variant) if variant.isdigit() else 1


def _promise(context: Context, offering: Offering, platform: Platform, descriptor: Descriptor) -> Iterator[Finding]:
    """What is wrong with the image behind an entry."""
    try:
        documents = offering.documents(descriptor)
    except CorruptImage as error:
        yield context.finding(
            f"the image for {platform} can't be read: {error.message}",
            evidence=platform,
            fix="Push the image again, all its platforms together.",
        )
        return
    if documents is None:
        if platform in map(Platform, context.policy.image_platforms):
            yield context.finding(
                f"the index names an image for {platform}, which isn't here",
                severity=Severity.NOTE,
                evidence=platform,
                fix="Copy all platforms (skopeo copy --all), or test the reference in the registry.",
            )
        return
    actual = documents[1]
    if not _keeps(platform, actual):
        yield context.finding(
            f"the index promises {platform}, but the image there is made for {actual.platform}",
            evidence=f"{platform} holds {actual.platform}",
            fix="Build each platform with --platform, and let buildx write the index; "
            "in one made by hand, correct it with `docker manifest annotate`.",
        )


def _keeps(promised: Platform, config: Config) -> bool:
    """Whether a configuration is of the platform that its descriptor promises.

    Many a builder leaves the variant out of the configuration (Docker's official images for arm/v6 among them), and
    an image for a lower variant runs on a higher one; the other way round it dies of an illegal instruction.
    """
    actual = config.platform
    if (actual.os, actual.architecture) != (promised.os, promised.architecture):
        return False
    stated = string(fields(parse_document(config.raw, blob=config.digest), "variant").get("variant"))
    return not stated or _level(actual) <= _level(promised)


def _repeated(context: Context, offered: Sequence[tuple[Platform, Descriptor]]) -> Iterator[Finding]:
    several: dict[Platform, list[Descriptor]] = {}
    for platform, descriptor in offered:
        # Windows has an image for each of its versions.
        if platform.os != "windows":
            several.setdefault(platform, []).append(descriptor)
    for platform, descriptors in several.items():
        if len(descriptors) == 1:
            continue
        second = any(key.startswith(_SECOND_COMPRESSION) for d in descriptors for key in d.annotations)
        reason = " (in several compressions, as podman push --add-compression writes them)" if second else ""
        yield context.finding(
            f"{len(descriptors)} images for {platform}{reason}; the first counts, as for containerd",
            severity=Severity.NOTE,
            evidence=platform,
            fix="Keep one image per platform, unless the second is meant for runtimes that choose by compression.",
        )
