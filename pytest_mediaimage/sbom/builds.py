"""The FFmpeg builds of an image as CycloneDX components."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from ..ffmpeg.build import Build, combine_builds
from ..ffmpeg.components.model import Component
from ..ffmpeg.identity import FFmpegIdentity, combine
from ..ffmpeg.license import License, read_license
from ..result import encodable

PREFIX = "mediaimage:ffmpeg:"
"""Of the names of an FFmpeg's properties: `configuration`, `version` (as FFmpeg prints it), `compiler`, `damage` (why
no more could be read), `library:<name>` (its version), `conflict` (``code: message``, one for each), and those of
`TABLES`: names with commas between them, ``unknown`` where they can't be read."""
COMPONENT = "mediaimage:component:"
"""Of the names of the properties that tell of a library in an FFmpeg: `id`, `name`, `version`, `linkage`, `demand`."""
TABLES = ("encoders", "decoders", "filters", "muxers", "demuxers", "protocols", "bitstream_filters")
_LONGEST_LIST = 16_000  # characters; the 557 decoders of an FFmpeg 9.0.2 take 4400


@dataclass(frozen=True, slots=True)
class FoundBuild:
    """FFmpeg as found in an image's files: (path, digest of the layer) pairs of files with one content.

    `path` is absolute in the image; the layer's digest may be empty where it isn't known.
    """

    paths: tuple[tuple[str, str], ...]
    build: Build

    @property
    def identity(self) -> FFmpegIdentity:
        return self.build.identity


@dataclass(frozen=True)
class Group:
    """The files of one build."""

    members: Sequence[FoundBuild]

    @cached_property
    def build(self) -> Build:
        return combine_builds([member.build for member in self.members])

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The libraries of all its files: of what several of them tell, what is surest, with all evidence."""
        found: dict[str, list[Component]] = {}
        for member in self.members:
            for component in member.build.components:
                found.setdefault(component.id, []).append(component)
        return tuple(_surest(found[id]) for id in sorted(found))

    @cached_property
    def license(self) -> License:
        return read_license(self.build.identity, self.components)

    @property
    def paths(self) -> list[str]:
        return sorted({path for member in self.members for path, _ in member.paths})

    @cached_property
    def ref(self) -> str:
        """The same for the same build in any image; where a build isn't known well enough, its paths tell it apart."""
        identity = self.build.identity
        facts = [identity.version, identity.configuration, identity.libraries.get("libavcodec")]
        if _unknowns(identity):
            facts += self.paths
        return f"ffmpeg-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]}"


def group(builds: Sequence[FoundBuild]) -> list[Group]:
    """Builds by version and configuration; files that know less join the build which they fit.

    libswscale may lose its version to the linker, and a shared tool holds nothing since FFmpeg 9 but the
    version of the libavcodec which it was made for.
    """
    groups: list[list[FoundBuild]] = []
    for build in sorted(builds, key=lambda build: (_unknowns(build.identity), build.paths)):
        for members in groups:
            if _fits(build.identity, combine([member.identity for member in members])):
                members.append(build)
                break
        else:
            groups.append([build])
    return [Group(members) for members in groups]


def _surest(told: Sequence[Component]) -> Component:
    best = max(told, key=lambda one: (_LINKAGES.index(one.linkage), one.version is not None, one.confidence))
    version = best.version or next((one.version for one in told if one.version), None)
    evidence = dict.fromkeys(evidence for one in (best, *told) for evidence in one.evidence)
    return replace(best, version=version, evidence=tuple(evidence))


_LINKAGES = ("configured", "shared", "static")


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


def release_number(version: str | None) -> str | None:
    """The release in a version as FFmpeg or a package prints it: ``7:5.1.9-0+deb12u1`` is 5.1.9.

    None for builds from git that don't name one (``N-118315-g4f3c9f2f03``).
    """
    match = re.match(r"(?:\d+:)?[nv]?(\d+(?:\.\d+)+)", version or "")
    return match[1] if match else None


def ffmpeg_component(group: Group, *, packaged: bool) -> dict[str, Any]:
    """The build itself. One that a distribution's package holds has no CPE: its package has, with its fixes."""
    identity = group.build.identity
    version = re.sub(r"^[nv](?=\d)", "", identity.version) if identity.version else None
    number = release_number(version)
    component: dict[str, Any] = {"bom-ref": group.ref, "type": "application", "name": "ffmpeg"}
    if version:
        component["version"] = version
    if licenses := _ffmpeg_licenses(group.license):
        component["licenses"] = licenses
    if number and not packaged:
        component["cpe"] = f"cpe:2.3:a:ffmpeg:ffmpeg:{number}:*:*:*:*:*:*:*"
    component["purl"] = f"pkg:generic/ffmpeg@{quote(version, safe='')}" if version else "pkg:generic/ffmpeg"
    component["evidence"] = {"identity": _identity_evidence(group), "occurrences": _occurrences(group)}
    component["properties"] = properties(PREFIX, _ffmpeg_facts(group))
    return component


def _ffmpeg_licenses(found: License) -> list[dict[str, Any]]:
    """What the files state as declared, what follows from all evidence as concluded."""
    entries = []
    for license, acknowledgement in ((found.stated, "declared"), (found.concluded, "concluded")):
        if license:
            entries.append({"license": {**license_field(license), "acknowledgement": acknowledgement}})
    return entries


def license_field(license: str) -> dict[str, str]:
    """`{"id": ...}` for what SPDX lists, `{"name": ...}` for anything else."""
    from cyclonedx.spdx import is_supported_id

    return {"id": license} if is_supported_id(license) else {"name": license}


def _identity_evidence(group: Group) -> list[dict[str, Any]]:
    """Confidence: 0.95 where a text with the version was read, 0.8 where only the configuration."""

    def evidence(field: str, confidence: float, value: str) -> dict[str, Any]:
        method = {"technique": "binary-analysis", "confidence": confidence, "value": value}
        return {"field": field, "confidence": confidence, "methods": [method]}

    identity = group.build.identity
    tools = any(member.identity.kind == "tool" for member in group.members)
    banner = "the banner of FFmpeg's tools" if tools else ""
    texts = [f"{library} license: {text}" for library, text in sorted(identity.licenses.items())]
    fields = [evidence("name", 0.95 if identity.version else 0.8, "; ".join([banner, *texts] if banner else texts))]
    if identity.version:
        fields.append(evidence("version", 0.95, f"FFmpeg version {identity.version}"))
    return fields


def _occurrences(group: Group) -> list[dict[str, Any]]:
    """Where version, configure line and licences stand, file by file, the version first."""
    found = []
    for member in sorted(group.members, key=lambda member: member.paths):
        identity = member.identity
        texts = {"version": f"FFmpeg version {identity.version}", "configuration": "the configure line"}
        texts |= {f"license:{name}": f"{name} license: {text}" for name, text in identity.licenses.items()}
        known: list[tuple[int | None, str]] = [
            (identity.offsets[name], text) for name, text in texts.items() if name in identity.offsets
        ]
        for path, layer in member.paths:
            found += [occurrence(path, layer, offset, text) for offset, text in known or [(None, "")]]
    return found


def occurrence(path: str, layer: str, offset: int | None, text: str = "") -> dict[str, Any]:
    occurrence: dict[str, Any] = {"location": encodable(path)}
    if offset is not None:
        occurrence["offset"] = offset
    if context := "; ".join(filter(None, (f"layer {layer}" if layer else "", text))):
        occurrence["additionalContext"] = context
    return occurrence


def _ffmpeg_facts(group: Group) -> Iterable[tuple[str, str | None]]:
    identity = group.build.identity
    yield "version", identity.version
    yield "configuration", identity.configuration
    yield "compiler", identity.compiler
    yield "damage", group.build.damage
    for name, version in sorted(identity.libraries.items()):
        yield f"library:{name}", version
    for conflict in group.license.conflicts:
        yield "conflict", f"{conflict.code}: {conflict.message}"
    for table in TABLES:
        yield table, _listed(getattr(group.build, table))


def _listed(names: Sequence[str] | None) -> str:
    if names is None:
        return "unknown"
    text = ",".join(names)
    if len(text) <= _LONGEST_LIST:
        return text or "none"
    kept = text[:_LONGEST_LIST].rpartition(",")[0]
    return f"{kept} and {len(names) - kept.count(',') - 1} more"


def properties(prefix: str, facts: Iterable[tuple[str, str | None]]) -> list[dict[str, str]]:
    return [{"name": prefix + name, "value": value} for name, value in facts if value]
