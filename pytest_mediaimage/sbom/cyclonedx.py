"""CycloneDX JSON, versions 1.2 to 1.7, as a Document.

The schemas: https://github.com/CycloneDX/specification/tree/master/schema. What is needed reads the same in all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .document import MOST_OBJECTS, Document, Fields, InvalidSbom, Package, checksum, digests_in

_LOCATION = re.compile(r"syft:location:\d+:path")
# trivy (pkg/sbom/cyclonedx): aquasecurity:trivy:RepoDigest, :ImageID; its :DiffID are layers.
_DIGEST_PROPERTY = re.compile(r"(?:^|:)(?:Repo|Manifest|Image)?(?:Digest|ImageID)$", re.IGNORECASE)


def is_cyclonedx(document: Any) -> bool:
    return isinstance(document, dict) and document.get("bomFormat") == "CycloneDX"


def read_cyclonedx(document: Any) -> Document:
    """The BOM as a Document; components within components are listed beside them. Raises InvalidSbom."""
    bom = Fields(document, "")
    version = bom.required("specVersion")
    metadata = bom.fields("metadata")
    subject = metadata.fields("component") if metadata else None
    digests = frozenset(_subject_digests(subject)) if subject else frozenset()
    packages = [_package(component) for component in _components(bom, subject)]
    return Document("CycloneDX", version, tuple(packages), digests)


def _components(bom: Fields, subject: Fields | None) -> Iterator[Fields]:
    """In the document's order, whatever the depth."""
    stack = [subject.objects("components")] if subject else []
    stack.append(bom.objects("components"))
    count = 0
    while stack:
        component = next(stack[-1], None)
        if component is None:
            stack.pop()
            continue
        count += 1
        if count > MOST_OBJECTS:
            raise InvalidSbom(f"the document has more than {MOST_OBJECTS} components")
        yield component
        stack.append(component.objects("components"))


def _package(component: Fields) -> Package:
    checksums = (checksum(hash.required("alg"), hash.required("content")) for hash in component.objects("hashes"))
    return Package(
        name=component.required("name"),
        version=component.text("version"),
        purl=component.text("purl"),
        type=component.text("type") or "",
        licenses=tuple(_licenses(component)),
        checksums=tuple(found for found in checksums if found),
        cpe=component.text("cpe"),
        locations=tuple(dict.fromkeys(_locations(component))),
    )


def _licenses(component: Fields) -> Iterator[str]:
    for choice in component.objects("licenses"):
        license = choice.fields("license")
        found = (license.text("id") or license.text("name")) if license else choice.text("expression")
        if found and found not in ("NOASSERTION", "NONE"):
            yield found


def _locations(component: Fields) -> Iterator[str]:
    evidence = component.fields("evidence")
    for occurrence in evidence.objects("occurrences") if evidence else ():
        if location := occurrence.text("location"):
            yield location
    for name, value in _properties(component):
        if _LOCATION.fullmatch(name):
            yield value


def _properties(component: Fields) -> Iterator[tuple[str, str]]:
    for item in component.objects("properties"):
        name, value = item.text("name"), item.text("value")
        if name and value:
            yield name, value


def _subject_digests(subject: Fields) -> Iterator[str]:
    name, version = subject.text("name"), subject.text("version")
    # syft calls docker:sha256:... "sha256", of the version that follows.
    for text in (name, version, f"{name}:{version}", subject.text("purl"), subject.text("bom-ref")):
        yield from digests_in(text)
    for hash in subject.objects("hashes"):
        if found := checksum(hash.required("alg"), hash.required("content")):
            yield ":".join(found)
    for name, value in _properties(subject):
        if _DIGEST_PROPERTY.search(name):
            yield from digests_in(value)
