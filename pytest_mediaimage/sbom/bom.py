"""The enriched BOM: syft's packages, and the FFmpeg builds and codec libraries that syft can't see."""

from __future__ import annotations

import functools
import hashlib
import json
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..result import encodable
from .builds import COMPONENT, FoundBuild, ffmpeg_component, group
from .coverage import holds_ffmpeg
from .libraries import libraries
from .packages import Packages

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.validation.json import JsonStrictValidator

PACKAGES = "mediaimage:packages"
"""The property of the BOM's metadata that says where its packages come from: ``syft 1.18.1``, or ``missing: `` and
the reason."""
LICENSE, LICENSE_SOURCE = "mediaimage:license", "mediaimage:license:source"
"""Properties of a distribution's package: its licence as one SPDX expression, and what says so. syft lists the licences
of all files in a package's source; Debian's FFmpeg packages have the same eighteen each."""
_MISSING = "missing: "


@dataclass(frozen=True)
class Sbom:
    """A CycloneDX BOM. `json` is the document as a dict, not to be changed."""

    json: dict[str, Any]

    @functools.cached_property
    def bom(self) -> Bom:
        """The same in cyclonedx-python-lib's model, which knows no patents and no compositions."""
        from cyclonedx.model.bom import Bom

        with warnings.catch_warnings():
            # syft writes fields that 1.6 deprecates; that is no news for the reader of an image's BOM.
            warnings.simplefilter("ignore", DeprecationWarning)
            read: Bom = Bom.from_json(self.json)  # type: ignore[attr-defined]
        return read

    @property
    def packages(self) -> str | None:
        """Where its packages come from: ``syft 1.18.1``; None where they are missing."""
        source = self._source()
        return source if source and not source.startswith(_MISSING) else None

    @property
    def packages_missing(self) -> str | None:
        """Why the image's packages aren't in it, None where they are."""
        source = self._source()
        return source.removeprefix(_MISSING) if source and source.startswith(_MISSING) else None

    def _source(self) -> str | None:
        properties = self.json.get("metadata", {}).get("properties", ())
        return next((item.get("value") for item in properties if item.get("name") == PACKAGES), None)

    @property
    def libraries(self) -> dict[str, str | None]:
        """The libraries in the image's FFmpeg builds, whether a package or not: names as their authors write them, and
        versions, None where they can't be read. Of several copies one is told."""
        found: dict[str, str | None] = {}
        for component in self.json["components"]:
            name = ""
            for item in component.get("properties", ()):  # a package may hold several: the version follows the name
                if item["name"] == f"{COMPONENT}name":
                    name = item["value"]
                    found.setdefault(name, None)
                elif item["name"] == f"{COMPONENT}version":
                    found[name] = item["value"]
        return found

    def text(self) -> str:
        """The document as it is written to a file."""
        return encodable(json.dumps(self.json, indent=2, ensure_ascii=False)) + "\n"

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
    syft_json: Mapping[str, Any] | None,
    builds: Sequence[FoundBuild],
    *,
    image_name: str,
    image_digest: str,
    image_purl: str = "",
    packages: str = "",
    missing: str = "",
) -> Sbom:
    """A CycloneDX 1.6 BOM of an image: syft's (or none), one component for each FFmpeg build and each library in it.

    Files of the same version and configuration are one build. A library that a build links to and that syft lists as a
    package isn't listed again: the package gets the evidence. The BOM's subject is the image; its serial number is made
    from its content, so that the same findings give the same document. `packages` tells what made syft's BOM, `missing`
    why there is none.
    """
    base: Mapping[str, Any] = syft_json or {}
    metadata: Mapping[str, Any] = base.get("metadata", {})
    image_ref = f"image:{image_digest}"
    listed = [dict(component) for component in base.get("components", ())]
    ours, edges = _ours(listed, builds)
    old_ref = metadata.get("component", {}).get("bom-ref")
    dependencies = [entry for entry in base.get("dependencies", ()) if entry.get("ref") not in (old_ref, image_ref)]
    dependencies.append({"ref": image_ref, "dependsOn": list(edges)})
    dependencies += [{"ref": ref, "dependsOn": on} for ref, on in edges.items() if on]
    source = _MISSING + missing if missing else packages or _made_by(metadata)
    properties = [*metadata.get("properties", ()), *([{"name": PACKAGES, "value": source}] if source else ())]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        **{key: value for key, value in base.items() if key not in ("$schema", "specVersion", "serialNumber")},
        "metadata": {
            **metadata,
            "tools": {"components": [*_tools(metadata), _this_tool()]},
            "component": {
                "bom-ref": image_ref,
                "type": "container",
                "name": encodable(image_name),
                "version": image_digest,
                **({"purl": image_purl} if image_purl else {}),
            },
            **({"properties": properties} if properties else {}),
        },
        "components": [*listed, *ours],
        "dependencies": dependencies,
    }
    if missing:
        document["compositions"] = [{"aggregate": "incomplete", "assemblies": [image_ref]}]
    return Sbom(numbered(document))


def numbered(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with a serial number that is made from the rest of it."""
    content = {key: value for key, value in document.items() if key != "serialNumber"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
    return {**content, "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"}


def _ours(
    listed: list[dict[str, Any]], builds: Sequence[FoundBuild]
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Our components, and what each FFmpeg depends on, by its bom-ref; the evidence goes into `listed` packages."""
    places = {component["bom-ref"]: index for index, component in enumerate(listed) if "bom-ref" in component}
    packages = Packages(listed)
    ours: list[dict[str, Any]] = []
    edges: dict[str, list[str]] = {}
    for found in group(builds):
        holders = [
            str(component["bom-ref"])
            for component in listed
            if "bom-ref" in component and holds_ffmpeg(component, found.paths, found.build.version)
        ]
        ours.append(ffmpeg_component(found, packaged=bool(holders)))
        edges[found.ref] = holders
        for library in libraries(found, packages):
            if library.package is None:
                ours.append(library.alone())
            else:
                place = places[library.ref]
                listed[place] = library.added_to(listed[place])
            if library.ref not in edges[found.ref]:
                edges[found.ref].append(library.ref)
    return ours, edges


def _made_by(metadata: Mapping[str, Any]) -> str:
    """The name and version of what made a BOM, where it says so."""
    tools = _tools(metadata)
    return f"{tools[0].get('name', '')} {tools[0].get('version', '')}".strip() if tools else ""


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
