"""trivy's JSON report (`trivy image --format json`), schema version 2: `pkg/types/report.go` of trivy 0.74."""

from __future__ import annotations

from .fields import Fields, WrongReport
from .model import Level, ReportedImage, Vulnerability

SCHEMA = 2


def is_trivy(document: Fields) -> bool:
    return "SchemaVersion" in document and ("ArtifactName" in document or "Results" in document)


def tool_of(document: Fields) -> tuple[str, str]:
    """Its version, which older reports don't hold, and when it ran. Raises WrongReport for another schema."""
    version = document.raw("SchemaVersion")
    if version != SCHEMA:
        raise WrongReport(f"SchemaVersion is {str(version)[:20]}; known is {SCHEMA}")
    return document.object("Trivy").text("Version"), document.text("CreatedAt")


def image_of(document: Fields) -> ReportedImage:
    name = document.text("ArtifactName")
    if document.text("ArtifactType") not in ("container_image", ""):
        return ReportedImage(name=name)
    metadata = document.object("Metadata")
    config = metadata.object("ImageConfig")
    system, machine = config.text("os"), config.text("architecture")
    return ReportedImage(
        name=name,
        config=metadata.text("ImageID"),
        pulled=tuple(text.partition("@")[2] for text in metadata.texts("RepoDigests") if "@" in text),
        diff_ids=metadata.texts("DiffIDs"),
        platform=f"{system}/{machine}" if system and machine else "",
    )


def vulnerabilities_of(document: Fields) -> list[Vulnerability]:
    """Those of every result; what was ignored stands in `ExperimentalModifiedFindings`, and is left out."""
    return [
        _vulnerability(one, result)
        for result in document.objects("Results")
        for one in result.objects("Vulnerabilities")
    ]


def _vulnerability(one: Fields, result: Fields) -> Vulnerability:
    path = one.text("PkgPath")
    if not path and result.text("Class") == "lang-pkgs":
        path = result.text("Target")  # a lock file or a program; "Node.js" and the like where packages have paths
        path = path if "/" in path else ""
    return Vulnerability(
        id=one.text("VulnerabilityID", needed=True),
        severity=Level.parse(one.text("Severity")),
        package=one.text("PkgName", needed=True),
        version=one.text("InstalledVersion"),
        fixed_version=one.text("FixedVersion"),
        path=f"/{path.lstrip('/')}" if path else "",
        layer=one.object("Layer").text("DiffID"),
        source=one.text("PrimaryURL"),
        aliases=one.texts("VendorIDs"),
    )
