"""`vulnerabilities.*`: what a scanner says of the image's packages, judged by the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..result import Finding
from ..storage import storage_faults
from .context import Context
from .many import each
from .registry import check

if TYPE_CHECKING:
    from ..image.image import Image
    from ..policy import Policy
    from ..sbom.vulnerabilities import Report, Target, Vulnerability


@check(
    "vulnerabilities.known",
    fails="a vulnerability at or above `vulnerabilities.severity` that has a fix, in the report of grype or trivy; "
    "with `fix-available: false` one without a fix too",
    why="What is known to be broken and mended elsewhere is the first thing that is tried on a service.",
)
def known(context: Context) -> Iterator[Finding]:
    from ..sbom.vulnerabilities import Level

    policy = context.policy
    report = _report(context)
    least = Level.parse(policy.vulnerabilities_severity)
    judged = [one for one in report.vulnerabilities if one.severity >= least]
    found = [one for one in judged if one.fixed_version or not policy.vulnerabilities_fix_available]
    context.measure(_summary(report, len(judged) - len(found)), budget=_budget(policy))
    layers = {str(layer.diff_id): index for index, layer in enumerate(context.image.layers)}
    yield from each(found, lambda one: _finding(context, layers, report, one), "vulnerabilities")


def given_report(path: Path | None) -> Report | None:
    """The report of --media-vulnerabilities. Raises UsageError for a file that is none."""
    if path is None:
        return None
    from ..sbom.vulnerabilities import read_report

    return read_report(path)


def _report(context: Context) -> Report:
    from ..sbom.vulnerabilities import SCANNERS, find_scanner

    bench, image = context.subject.bench, context.image
    given = bench.vulnerabilities
    if given is not None:
        _same_image(given, image)
        return given
    wanted = context.policy.vulnerabilities_scanner
    scanner = find_scanner(wanted)
    if scanner is None:
        missing = f"no {' and no '.join(SCANNERS if wanted == 'auto' else [wanted])} is installed"
        reason = "the policy runs no scanner" if wanted == "none" else missing
        context.skip(f"{reason}, and --media-vulnerabilities names no report")
    return scanner.scan(_target(image, bench.work), work=bench.work)


def _same_image(report: Report, image: Image) -> None:
    """A report of last week's build would pass today's. One that names no image is taken at its word."""
    reported = report.image
    if not reported.is_named():
        return
    digests = {str(digest) for digest in (image.digest, image.config_digest, image.index_digest) if digest}
    diff_ids = tuple(str(layer.diff_id) for layer in image.layers)
    platform = "/".join(str(image.platform).split("/")[:2])
    if not reported.is_of(digests, diff_ids, platform):
        raise UsageError(
            f"the vulnerability report ({report}) is of {reported}, and the image under test is {image.name} "
            f"({image.digest}, configuration {image.config_digest}) for {image.platform}",
            remedy="Scan this image, or test the other; several images take a run each.",
        )


def _target(image: Image, work: Path) -> Target:
    from ..sbom.vulnerabilities import Target

    platform = str(image.platform)
    if image.engine_name:
        kind = "podman" if image.source == "podman" else "docker"
        return Target(kind, image.engine_name, platform)  # type: ignore[arg-type]
    if image.manifest is None:
        archive = work / f"scanned-{image.digest.hex[:16]}.tar"
        with storage_faults(work), archive.open("wb") as out:
            image.write_docker_archive(out)
        return Target("docker-archive", str(archive), platform)
    return Target("oci-dir", str(image.write_layout(work / f"scanned-{image.digest.hex[:16]}")), platform)


def _finding(context: Context, layers: dict[str, int], report: Report, one: Vulnerability) -> Finding:
    fix = (
        f"Update {one.package} to {one.fixed_version}"
        if one.fixed_version
        else f"Take {one.package} out, or replace it: no fix is known"
    )
    ignore = f'{{check: vulnerabilities.known, evidence: "{one.id} in *", reason: ..., until: ...}}'
    return context.finding(
        _told(report, one),
        layer=layers.get(one.layer),
        file=one.path or None,
        evidence=f"{one.id} in {one.package}",
        fix=f"{fix}; or accept it for a time: ignore: [{ignore}].",
    )


def _told(report: Report, one: Vulnerability) -> str:
    also = f" ({', '.join(one.aliases[:3])})" if one.aliases else ""
    fix = f"fixed in {one.fixed_version}" if one.fixed_version else "no fix is known"
    place = f" in {one.path}" if one.path else ""
    source = f" {one.source}" if one.source else ""
    version = f" {one.version}" if one.version else ""
    return f"{one.id}{also}, {one.severity}: {one.package}{version}{place}, {fix} ({report.scanner}){source}"


def _summary(report: Report, without_fix: int) -> str:
    counts = Counter(one.severity for one in report.vulnerabilities)
    told = ", ".join(f"{counts[level]} {level}" for level in sorted(counts, reverse=True)) or "none"
    text = f"{report}: {told}"
    if without_fix:
        text += f"; {without_fix} of them grave enough, but without a fix"
    return text if report.image.is_named() else f"{text}; it doesn't name the image"


def _budget(policy: Policy) -> str:
    fixed = " that has a fix" if policy.vulnerabilities_fix_available else ""
    return f"none from {policy.vulnerabilities_severity} on{fixed}"


CHECKS = (known,)
