"""`sbom.generated`: whether the bill of materials names what is in the image."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.analysers.kind import NAME as KIND
from ...result import Finding
from ..context import Context
from ..registry import check
from ..subject import Subject

_PROGRAMS = ("ffmpeg", "ffprobe", "ffplay")


@check(
    "sbom.generated",
    fails="an FFmpeg in the image that its SBOM doesn't name",
    why="Who must know whether a flaw or a licence concerns this image looks into its SBOM.",
)
def generated(context: Context) -> Iterator[Finding]:
    from ...sbom import names_ffmpeg

    sbom = context.subject.sbom()
    held = list(_held(context.subject))
    missing = [(path, layer) for path, layer in held if not names_ffmpeg(sbom, path)]
    count = len(sbom.json.get("components", ()))
    components = f"{count} component{'s' if count != 1 else ''}"
    source = f"packages by {sbom.packages}" if sbom.packages else "packages missing"
    context.measure(f"{components} ({source}), {len(held) - len(missing)} of {len(held)} FFmpeg files named")
    for path, layer in missing:
        yield context.finding(
            f"{path} is an FFmpeg that the SBOM doesn't name: neither syft nor its own text tells what it is",
            layer=layer,
            file=path,
            evidence="unnamed FFmpeg",
            fix="Don't pack (UPX) or strip the text out of the binary; or attach an SBOM that names it.",
        )
    fault = context.subject.packages_fault()
    if fault is not None and not missing:
        context.skip(f"every FFmpeg is named, but the SBOM lacks the image's packages: {fault}")


def _held(subject: Subject) -> Iterator[tuple[str, int]]:
    """Every FFmpeg in the image: by its content, and programs that carry its name and are machine code."""
    known = set()
    for found in subject.ffmpeg_files:
        if found.identity.is_ffmpeg:
            known.add(found.path)
            yield found.path, found.layer
    for name in _PROGRAMS:
        node = subject.find_program(name)
        if node is not None and "/" + node.path not in known:
            layer, ordinal = node.content
            if subject.image.layer_facts[layer].found.get(KIND, {}).get(ordinal) == "elf":
                yield "/" + node.path, layer
