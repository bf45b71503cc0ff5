"""grype's JSON report (`grype -o json`), which has no schema version: `grype/presenter/models` of grype 0.116."""

from __future__ import annotations

from .fields import Fields
from .model import Level, ReportedImage, Vulnerability


def is_grype(document: Fields) -> bool:
    return "matches" in document and ("descriptor" in document or "source" in document)


def tool_of(document: Fields) -> tuple[str, str]:
    """Its version, and when it ran."""
    descriptor = document.object("descriptor")
    return descriptor.text("version"), descriptor.text("timestamp")


def image_of(document: Fields) -> ReportedImage:
    """Of an image `source.target` is an object; of an SBOM, a directory or a purl a text."""
    source = document.object("source")
    target = source.raw("target")
    if not isinstance(target, dict):
        return ReportedImage(name=source.text("target"))
    image = source.object("target")
    name = image.text("userInput")
    config, manifest = image.text("imageID"), image.text("manifestDigest")
    if source.text("type") != "image":
        return ReportedImage(name=name)
    system, machine = image.text("os"), image.text("architecture")
    return ReportedImage(
        name=name,
        config=config,
        manifest=manifest,
        pulled=tuple(text.partition("@")[2] for text in image.texts("repoDigests") if "@" in text),
        platform=f"{system}/{machine}" if system and machine else "",
    )


def vulnerabilities_of(document: Fields) -> list[Vulnerability]:
    """`matches`; those that grype's own rules ignore stand in `ignoredMatches`, and are left out."""
    return [_vulnerability(match) for match in document.objects("matches")]


def _vulnerability(match: Fields) -> Vulnerability:
    told, package = match.object("vulnerability", needed=True), match.object("artifact", needed=True)
    place = next(package.objects("locations"), None)
    path = place.text("path") if place else ""
    return Vulnerability(
        id=told.text("id", needed=True),
        severity=Level.parse(told.text("severity")),
        package=package.text("name", needed=True),
        version=package.text("version"),
        fixed_version=", ".join(told.object("fix").texts("versions")),
        path=f"/{path.lstrip('/')}" if path else "",
        layer=place.text("layerID") if place else "",
        source=told.text("dataSource"),
        aliases=tuple(related.text("id", needed=True) for related in match.objects("relatedVulnerabilities")),
    )
