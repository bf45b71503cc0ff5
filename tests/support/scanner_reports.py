"""Small reports with the structure of grype's and trivy's, written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG, MANIFEST, INDEX, LAYER = (f"sha256:{digit * 64}" for digit in "1234")


def grype_match(
    id: str = "CVE-2025-1000",
    severity: str = "High",
    name: str = "libfoo",
    *,
    fixed: tuple[str, ...] = ("1.2-3",),
    path: str = "/var/lib/dpkg/status",
    related: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "vulnerability": {
            "id": id,
            "dataSource": f"https://tracker.example/{id}",
            "namespace": "debian:distro:debian:12",
            "severity": severity,
            "urls": [],
            "cvss": [],
            "fix": {"versions": list(fixed), "state": "fixed" if fixed else "not-fixed"},
            "advisories": [],
            "risk": 1.5,
        },
        "relatedVulnerabilities": [{"id": one, "dataSource": "", "urls": [], "cvss": []} for one in related],
        "matchDetails": [{"type": "exact-direct-match", "matcher": "dpkg-matcher", "searchedBy": {}, "found": {}}],
        "artifact": {
            "id": "a1b2",
            "name": name,
            "version": "1.2-1",
            "type": "deb",
            "locations": [{"path": path, "layerID": LAYER, "accessPath": path}],
            "language": "",
            "licenses": [],
            "cpes": [],
            "purl": f"pkg:deb/debian/{name}@1.2-1",
            "upstreams": [],
        },
    }


def grype(*matches: dict[str, Any], target: Any = None, **image: Any) -> dict[str, Any]:
    named = {
        "userInput": "registry.example.com/media/ffmpeg:7",
        "imageID": CONFIG,
        "manifestDigest": MANIFEST,
        "tags": [],
        "repoDigests": [],
        "architecture": "amd64",
        "os": "linux",
        "layers": [],
        **image,
    }
    return {
        "matches": list(matches),
        "ignoredMatches": [{**grype_match("CVE-2025-9999", "Critical"), "appliedIgnoreRules": []}],
        "source": {"type": "image", "target": named} if target is None else {"type": "sbom-file", "target": target},
        "distro": {"name": "debian", "version": "12", "idLike": []},
        "descriptor": {"name": "grype", "version": "0.104.0", "timestamp": "2026-11-20T10:00:00Z"},
    }


def trivy_vulnerability(
    id: str = "CVE-2025-1000", severity: str = "HIGH", name: str = "libfoo", *, fixed: str = "1.2-3", path: str = ""
) -> dict[str, Any]:
    told = {
        "VulnerabilityID": id,
        "PkgID": f"{name}@1.2-1",
        "PkgName": name,
        "InstalledVersion": "1.2-1",
        "Status": "fixed" if fixed else "affected",
        "Layer": {"Digest": LAYER, "DiffID": LAYER},
        "PrimaryURL": f"https://tracker.example/{id}",
        "Severity": severity,
    }
    return {**told, **({"FixedVersion": fixed} if fixed else {}), **({"PkgPath": path} if path else {})}


def trivy(*found: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    about = {
        "ImageID": CONFIG,
        "DiffIDs": [LAYER],
        "RepoDigests": [],
        "ImageConfig": {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [LAYER]}},
        **metadata,
    }
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.74.0"},
        "CreatedAt": "2026-11-21T10:00:00Z",
        "ArtifactName": "registry.example.com/media/ffmpeg:7",
        "ArtifactType": "container_image",
        "Metadata": about,
        "Results": [
            {"Target": "ffmpeg:7 (debian 12)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": list(found)},
            {"Target": "Node.js", "Class": "lang-pkgs", "Type": "node-pkg"},
        ],
    }


def written(path: Path, report: Any) -> Path:
    path.write_text(json.dumps(report))
    return path
