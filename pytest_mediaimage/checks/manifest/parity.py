"""`manifest.parity`: do the platforms of one image differ in more than their machine code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...ffmpeg import FFmpegIdentity
from ...image.analysers.credentials import masked
from ...image.config import Config
from ...image.digest import Platform
from ...image.layer import LayerFacts
from ...image.manifest import Manifest
from ...result import Finding, Severity, format_bytes
from ..analysers import NAME as FFMPEG
from ..analysers import from_json
from ..context import Context
from ..registry import check
from .words import joined

# Machine code for one platform is denser than for another by a third at most; twice is another content.
_RATIO = 2.0
_LOOKED_INTO = 20
# Names that platforms have in Go, in uname, in Debian's multiarch folders and in makers' packages.
_MACHINE = re.compile(
    r"(?:x86[_-]64|amd64|x64|i[3-6]86|aarch64|arm64|armhf|armel|armv\d\w*|arm32v\d|arm|sbsa|ppc64le|ppc64el|s390x|"
    r"riscv64|mips64le|loong64)(?:-linux-(?:gnu|musl)\w*)?(?:/v\d)?(?![a-z])|(?<=/)v[5-9](?![\w.])",
    re.IGNORECASE,
)
# Checksums of what was downloaded, and identities of a build.
_HEX = re.compile(r"\b[0-9a-f]{12,128}\b", re.IGNORECASE)
# NVIDIA's base images list packages that exist for one platform only.
_VENDORS_OWN = re.compile(r"NV(?:ARCH|_.*)|.*(?:SHA\d*|CHECKSUM|DIGEST|MD5).*", re.IGNORECASE)
# Times and identities that each build has of its own.
_EACH_ITS_OWN = re.compile(
    r"org\.opencontainers\.image\.(?:created|ref\.name|base\.digest)|.*build[-_.]?(?:date|time).*"
)


@check(
    "manifest.parity",
    fails="platforms of one image that differ in FFmpeg, labels, environment, entry point, user, or twofold in size",
    why="One tag promises one thing: a job must not depend on the machine that a scheduler picks.",
    severity=Severity.WARNING,
)
def parity(context: Context) -> Iterator[Finding]:
    offering = context.image.offering
    if offering is None:
        context.skip("this source keeps one platform of an image only")
    others: dict[Platform, tuple[Manifest, Config]] = {}
    for platform, descriptor in offering.images[:_LOOKED_INTO]:
        if platform.os != context.image.platform.os or descriptor.digest == context.image.digest:
            continue
        if platform not in others and platform != context.image.platform and (found := offering.documents(descriptor)):
            others[platform] = found
    if not others:
        context.skip("the image has one platform")
    with_contents = 0
    for platform, (manifest, config) in others.items():
        yield from _differences(context, platform, config)
        yield from _weight(context, platform, manifest)
        theirs = _ffmpeg_if_known(context, config)
        if theirs is not None:
            with_contents += 1
            yield from _tools(context, platform, theirs)
    compared = f"{len(others)} other platform{'s' if len(others) > 1 else ''}"
    context.measure(f"{compared}, the contents of {with_contents}")


def _differences(context: Context, platform: Platform, other: Config) -> Iterator[Finding]:
    own = context.image.config
    for word, ours, theirs, skipped in (
        ("label", own.labels, other.labels, _EACH_ITS_OWN),
        ("environment variable", own.env, other.env, _VENDORS_OWN),
    ):
        parts = _unlike(ours, theirs, skipped)
        if parts:
            yield context.finding(
                f"{platform} differs from {own.platform} in {word}s: {joined(parts)}",
                evidence=f"{platform} {word}s: {', '.join(part.partition(' (')[0] for part in parts)}",
                fix=f"Set each {word} for every platform, outside of what depends on TARGETARCH.",
            )
    for word, mine, its in (
        ("entry point", own.entrypoint, other.entrypoint),
        ("command", own.cmd, other.cmd),
        ("working directory", (own.working_dir,), (other.working_dir,)),
        ("user", (own.user,), (other.user,)),
    ):
        if tuple(map(_neutral, mine)) != tuple(map(_neutral, its)):
            yield context.finding(
                f"{platform} has another {word} than {own.platform}: {_shown(its)}, not {_shown(mine)}",
                evidence=f"{platform} {word}",
                fix="Build every platform from one Dockerfile, so that they start alike.",
            )


def _unlike(ours: Mapping[str, str], theirs: Mapping[str, str], skipped: re.Pattern[str]) -> list[str]:
    parts = []
    for name in sorted(ours.keys() | theirs.keys()):
        if skipped.fullmatch(name):
            continue
        if name not in theirs:
            parts.append(f"{name} (missing there)")
        elif name not in ours:
            parts.append(f"{name} (only there)")
        elif _neutral(ours[name]) != _neutral(theirs[name]):
            its, mine = (masked(f"{name}={side[name]}").removeprefix(f"{name}=")[:60] for side in (theirs, ours))
            parts.append(f"{name} ({its!r}, not {mine!r})")
    return parts


def _weight(context: Context, platform: Platform, manifest: Manifest) -> Iterator[Finding]:
    own = context.image.manifest
    if own is None:
        return
    ours, theirs = (sum(layer.length for layer in each.layers) for each in (own, manifest))
    smaller, larger = sorted((ours, theirs))
    if larger > _RATIO * smaller:
        yield context.finding(
            f"{platform} takes {format_bytes(theirs)} compressed, {context.image.platform} {format_bytes(ours)}: "
            f"{larger / max(smaller, 1):.1f} times as much",
            bytes=larger - smaller,
            evidence=f"{platform} size",
            fix="Compare what is in both: one has debugging symbols, a toolchain or models that the other lacks.",
        )


def _tools(context: Context, platform: Platform, theirs: Mapping[str, str]) -> Iterator[Finding]:
    ours: dict[str, str] = {}
    for facts in context.image.layer_facts:
        ours.update(_ffmpeg(facts))
    parts = _unlike(ours, theirs, re.compile(r"(?!)"))
    if parts:
        yield context.finding(
            f"{platform} differs from {context.image.platform} in FFmpeg: {joined(parts)}",
            evidence=f"{platform} FFmpeg: {', '.join(part.partition(' (')[0] for part in parts)}",
            fix="Build or install the same FFmpeg, in the same version, for every platform.",
        )


def _ffmpeg_if_known(context: Context, config: Config) -> dict[str, str] | None:
    """FFmpeg's programs and libraries by name, each with its version; None where a layer isn't known.

    Nothing is read for it: the contents of a platform are known where it is, or was, under test.
    """
    known = context.subject.bench.facts
    found: dict[str, str] = {}
    for diff_id in dict.fromkeys(config.diff_ids):
        facts = known.load(diff_id)
        if facts is None:
            return None
        found.update(_ffmpeg(facts))
    return found


def _ffmpeg(facts: LayerFacts) -> Iterator[tuple[str, str]]:
    for ordinal, fact in facts.found.get(FFMPEG, {}).items():
        yield facts.entries.path(ordinal).rpartition("/")[2].partition(".so")[0], _version(from_json(fact).identity)


def _version(identity: FFmpegIdentity) -> str:
    return identity.version or next(iter(identity.libraries.values()), "unknown")


def _neutral(text: str) -> str:
    """The text with every name of a machine and every checksum made the same."""
    return _HEX.sub("#", _MACHINE.sub("ARCH", text))


def _shown(words: tuple[str, ...]) -> str:
    return masked(" ".join(words))[:100] or "none"
