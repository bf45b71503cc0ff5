"""The libraries in an FFmpeg build as CycloneDX components, or as evidence on the packages that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..ffmpeg.components.model import Component
from ..ffmpeg.evidence import Evidence
from .builds import COMPONENT, Group, license_field, occurrence, properties
from .packages import Packages, upstream_version

_PLACES = 50  # occurrences of one component


@dataclass(frozen=True)
class Library:
    """A library of a build, as a component of its own or as what is added to the package that holds it."""

    group: Group
    component: Component
    package: Mapping[str, Any] | None

    @property
    def ref(self) -> str:
        return str(self.package["bom-ref"]) if self.package else f"{self.group.ref}/{self.component.id}"

    def alone(self) -> dict[str, Any]:
        """As a component of the BOM."""
        found, row = self.component, self.component.row
        listed: dict[str, Any] = {"bom-ref": self.ref, "type": "library", "name": found.name}
        if found.version:
            listed["version"] = found.version
        listed["licenses"] = [_expression(found.license)]
        if found.version and row.cpe:
            listed["cpe"] = _with_version(row.cpe, found.version)
        if row.purl:
            listed["purl"] = f"{row.purl}@{quote(found.version, safe='')}" if found.version else row.purl
        listed["evidence"] = {"identity": self._evidence(), "occurrences": self._places()}
        listed["properties"] = properties(COMPONENT, self._facts())
        return listed

    def added_to(self, package: Mapping[str, Any]) -> dict[str, Any]:
        """The package, with how it is known that FFmpeg uses it."""
        evidence = package.get("evidence", {})
        return {
            **package,
            "evidence": {
                **evidence,
                "identity": [*evidence.get("identity", ()), *self._evidence()],
                "occurrences": [*evidence.get("occurrences", ()), *self._places()],
            },
            "properties": [*package.get("properties", ()), *properties(COMPONENT, self._facts())],
        }

    def _facts(self) -> Iterable[tuple[str, str | None]]:
        found = self.component
        yield "id", found.id
        yield "name", found.name
        yield "version", found.version or (upstream_version(self.package) if self.package else None)
        yield "linkage", found.linkage
        yield "demand", found.demand.value

    def _evidence(self) -> list[dict[str, Any]]:
        found = self.component
        fields = [_field("name", found.name, found.evidence)]
        if found.version:
            texts = [one for one in found.evidence if one.technique == "library-text"]
            fields.append(_field("version", found.version, texts or found.evidence))
        elif self.package and (version := upstream_version(self.package)):
            source = Evidence("package", f"{self.package.get('name')} {self.package.get('version')}", None, 0.7)
            fields.append(_field("version", version, [source]))
        return fields

    def _places(self) -> list[dict[str, Any]]:
        """Where each piece of evidence stands, file by file."""
        places = []
        for member in self.group.members:
            for other in member.build.components:
                if other.id == self.component.id:
                    texts = [one for one in other.evidence if one.offset is not None] or list(other.evidence)
                    places += [
                        occurrence(path, layer, one.offset, f"{one.technique}: {one.text}")
                        for path, layer in member.paths
                        for one in texts
                    ]
        places.sort(key=lambda place: (place["location"], place.get("offset", -1), place.get("additionalContext", "")))
        return places[:_PLACES]


def libraries(group: Group, packages: Packages) -> list[Library]:
    """The libraries that a build holds or links to, with the packages that hold those which it links to."""
    found = []
    for component in group.components:
        upstream = (component.row.purl or component.name).rpartition("/")[2]
        sonames = [one.text for one in component.evidence if one.technique == "needed"]
        holders = (packages.holder(soname, upstream) for soname in sonames if component.linkage == "shared")
        found.append(Library(group, component, next(filter(None, holders), None)))
    return found


def _field(field: str, value: str, evidence: Sequence[Evidence]) -> dict[str, Any]:
    methods = [
        {"technique": _TECHNIQUES.get(one.technique, "binary-analysis"), "confidence": one.confidence, "value": text}
        for one, text in {(one, f"{one.technique}: {one.text}"): None for one in evidence}
    ]
    confidence = max((one.confidence for one in evidence), default=0.0)
    return {"field": field, "confidence": confidence, "concludedValue": value, "methods": methods}


_TECHNIQUES = {"package": "manifest-analysis"}
"""CycloneDX's word for a technique of ours, where it isn't `binary-analysis`."""


def _expression(license: str) -> dict[str, Any]:
    """One licence, or an expression of several: what a list of a component's licences may hold one of."""
    if re.search(r" (?:AND|OR|WITH) ", license):
        return {"expression": license, "acknowledgement": "concluded"}
    return {"license": {**license_field(license), "acknowledgement": "concluded"}}


def _with_version(cpe: str, version: str) -> str:
    """A CPE 2.3 name with the version in its place, quoted as NISTIR 7695 asks."""
    parts = cpe.split(":")
    quoted = re.sub(r"([^\w.-])", r"\\\1", re.sub(r"^v(?=\d)", "", version))
    return ":".join([*parts[:5], quoted, *(parts[6:] or ["*"] * 7)])
