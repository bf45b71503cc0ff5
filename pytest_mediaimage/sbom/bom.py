"""The enriched BOM: syft's packages, and the FFmpeg builds that syft can't see."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import __version__
from ..ffmpeg import FFmpegIdentity, License, combine, read_license

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.validation.json import JsonStrictValidator

PREFIX = "mediaimage:ffmpeg:"
"""Of the names of a component's properties: `configuration`, `version` (as FFmpeg prints it), `compiler`,
`library:<name>` (its version) and `conflict` (``code: message``, one for each)."""


@dataclass(frozen=True, slots=True)
class FoundBuild:
    """FFmpeg as found in an image's files: (path, digest of the layer) pairs of files with one content.

    `path` is absolute in the image; the layer's digest may be empty where it isn't known.
    """

    paths: tuple[tuple[str, str], ...]
    identity: FFmpegIdentity


@dataclass(frozen=True)
class Sbom:
    """A CycloneDX BOM. `json` is the document as a dict, not to be changed."""

    json: dict[str, Any]

    @functools.cached_property
    def bom(self) -> Bom:
        """The same in cyclonedx-python-lib's model."""
        from cyclonedx.model.bom import Bom

        with warnings.catch_warnings():
            # syft writes fields that 1.6 deprecates; that is no news for the reader of an image's BOM.
            warnings.simplefilter("ignore", DeprecationWarning)
            read: Bom = Bom.from_json(self.json)  # type: ignore[attr-defined]
        return read

    def validate(self) -> list[str]:
        """What is wrong with it by the strict CycloneDX schema of its version; empty when valid.

        Raises ValueError for a version that cyclonedx-python-lib doesn't know.
        """
        errors = _validator(str(self.json.get("specVersion", ""))).validate_str(json.dumps(self.json), all_errors=True)
        return [_first_line(error.data) for error in errors or ()]


@functools.cache
def _validator(version: str) -> JsonStrictValidator:
    """Kept, since reading the schemas takes longer than validating."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.from_version(version))


def merge(
    syft_json: Mapping[str, Any] | None, builds: Sequence[FoundBuild], *, image_name: str, image_digest: str
) -> Sbom:
    """A CycloneDX 1.6 BOM of an image: syft's (unchanged, or absent) and one component for each FFmpeg build.

    Files of the same version and configuration are one build. The BOM's subject is the image; its serial
    number is made from its content, so that the same findings give the same document.
    """
    base: Mapping[str, Any] = syft_json or {}
    metadata: Mapping[str, Any] = base.get("metadata", {})
    image_ref = f"image:{image_digest}"
    ours = [_component(group) for group in _group(builds)]
    old_ref = metadata.get("component", {}).get("bom-ref")
    dependencies = [entry for entry in base.get("dependencies", ()) if entry.get("ref") not in (old_ref, image_ref)]
    dependencies.append({"ref": image_ref, "dependsOn": [component["bom-ref"] for component in ours]})
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        **{key: value for key, value in base.items() if key not in ("$schema", "specVersion", "serialNumber")},
        "metadata": {
            **metadata,
            "tools": {"components": [*_tools(metadata), _this_tool()]},
            "component": {"bom-ref": image_ref, "type": "container", "name": image_name, "version": image_digest},
        },
        "components": [*base.get("components", ()), *ours],
        "dependencies": dependencies,
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    return Sbom(document)


def release_number(version: str | None) -> str | None:
    """The release in a version as FFmpeg or a package prints it: ``7:5.1.9-0+deb12u1`` is 5.1.9.

    None for builds from git that don't name one (``N-118315-g4f3c9f2f03``).
    """
    match = re.match(r"(?:\d+:)?[nv]?(\d+(?:\.\d+)+)", version or "")
    return match[1] if match else None


def _group(builds: Sequence[FoundBuild]) -> list[list[FoundBuild]]:
    """Builds by version and configuration; files that know less join the build which they fit.

    libswscale may lose its version to the linker, and a shared tool holds nothing since FFmpeg 9 but the
    version of the libavcodec which it was made for.
    """
    groups: list[list[FoundBuild]] = []
    for build in sorted(builds, key=lambda build: (_unknowns(build.identity), build.paths)):
        for group in groups:
            known = combine([member.identity for member in group])
            if _fits(build.identity, known):
                group.append(build)
                break
        else:
            groups.append([build])
    return groups


def _unknowns(identity: FFmpegIdentity) -> int:
    return (identity.version is None) + (identity.configuration is None)


def _fits(identity: FFmpegIdentity, known: FFmpegIdentity) -> bool:
    facts = [
        (identity.version, known.version),
        (identity.configuration, known.configuration),
        (identity.libraries.get("libavcodec"), known.libraries.get("libavcodec")),
    ]
    both = [(one, other) for one, other in facts if one is not None and other is not None]
    return bool(both) and all(one == other for one, other in both)


def _component(group: Sequence[FoundBuild]) -> dict[str, Any]:
    identity = combine([build.identity for build in group])
    found = read_license(identity)
    version = re.sub(r"^[nv](?=\d)", "", identity.version) if identity.version else None
    number = release_number(version)
    component: dict[str, Any] = {"bom-ref": _reference(identity, group), "type": "application", "name": "ffmpeg"}
    if version:
        component["version"] = version
    if licenses := _licenses(found):
        component["licenses"] = licenses
    if number:
        component["cpe"] = f"cpe:2.3:a:ffmpeg:ffmpeg:{number}:*:*:*:*:*:*:*"
    component["purl"] = f"pkg:generic/ffmpeg@{quote(version, safe='')}" if version else "pkg:generic/ffmpeg"
    component["evidence"] = {"identity": _identity_evidence(identity, group), "occurrences": _occurrences(group)}
    component["properties"] = [
        {"name": PREFIX + name, "value": value} for name, value in _properties(identity, found) if value
    ]
    return component


def _reference(identity: FFmpegIdentity, group: Sequence[FoundBuild]) -> str:
    """The same for the same build in any image; where a build isn't known well enough, its paths tell it apart."""
    facts = [identity.version, identity.configuration, identity.libraries.get("libavcodec")]
    if _unknowns(identity):
        facts += sorted(path for build in group for path, _ in build.paths)
    return f"ffmpeg-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]}"


def _licenses(found: License) -> list[dict[str, Any]]:
    """What the files state as declared, what follows from all evidence as concluded."""
    entries = []
    for license, acknowledgement in ((found.stated, "declared"), (found.concluded, "concluded")):
        if license:
            field = "name" if license.startswith("LicenseRef-") else "id"
            entries.append({"license": {field: license, "acknowledgement": acknowledgement}})
    return entries


def _identity_evidence(identity: FFmpegIdentity, group: Sequence[FoundBuild]) -> list[dict[str, Any]]:
    """Confidence: 0.95 where a text with the version was read, 0.8 where only the configuration."""

    def evidence(field: str, confidence: float, value: str) -> dict[str, Any]:
        method = {"technique": "binary-analysis", "confidence": confidence, "value": value}
        return {"field": field, "confidence": confidence, "methods": [method]}

    tools = any(build.identity.kind == "tool" for build in group)
    banner = "the banner of FFmpeg's tools" if tools else ""
    texts = [f"{library} license: {text}" for library, text in sorted(identity.licenses.items())]
    fields = [evidence("name", 0.95 if identity.version else 0.8, "; ".join([banner, *texts] if banner else texts))]
    if identity.version:
        fields.append(evidence("version", 0.95, f"FFmpeg version {identity.version}"))
    return fields


def _occurrences(group: Sequence[FoundBuild]) -> list[dict[str, Any]]:
    found = []
    for build in group:
        offsets = build.identity.offsets
        offset = offsets.get("version", offsets.get("configuration", min(offsets.values(), default=None)))
        for path, layer in build.paths:
            occurrence: dict[str, Any] = {"location": path}
            if offset is not None:
                occurrence["offset"] = offset
            if layer:
                occurrence["additionalContext"] = f"layer {layer}"
            found.append(occurrence)
    return sorted(found, key=lambda occurrence: str(occurrence["location"]))


def _properties(identity: FFmpegIdentity, found: License) -> list[tuple[str, str | None]]:
    return [
        ("version", identity.version),
        ("configuration", identity.configuration),
        ("compiler", identity.compiler),
        *((f"library:{name}", version) for name, version in sorted(identity.libraries.items())),
        *(("conflict", f"{conflict.code}: {conflict.message}") for conflict in found.conflicts),
    ]


def _tools(metadata: Mapping[str, Any]) -> list[Any]:
    """The tools that made a BOM, also from the form of CycloneDX 1.4, a list of name and version."""
    tools = metadata.get("tools", {})
    if isinstance(tools, Mapping):
        return list(tools.get("components", ()))
    return [{"type": "application", "name": tool.get("name", ""), "version": tool.get("version", "")} for tool in tools]


def _this_tool() -> dict[str, str]:
    return {"type": "application", "name": "pytest-mediaimage", "version": __version__}


def _first_line(error: object) -> str:
    """Where in the document, and what: the schema's own errors print the whole document."""
    path = "/".join(str(step) for step in getattr(error, "absolute_path", ()))
    return f"{path or '.'}: {str(getattr(error, 'message', error))[:300]}"
