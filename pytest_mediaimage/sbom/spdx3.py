"""SPDX 3.0 in its JSON-LD form as a Document.

The specification: https://spdx.github.io/spdx-spec/v3.0.1/. Elements stand in one flat `@graph` and name each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .document import Document, Fields, Package, checksum, digests_in

_LICENSES = ("hasConcludedLicense", "hasDeclaredLicense")


def is_spdx3(document: Any) -> bool:
    return isinstance(document, dict) and "spdx.org/rdf/3" in str(document.get("@context", ""))[:1000]


def read_spdx3(document: Any) -> Document:
    """The packages of the graph, and the digests of its root. Raises InvalidSbom."""
    elements = list(Fields(document, "").objects("@graph"))
    expressions: dict[str, str] = {}
    roots: set[str] = set()
    version = ""
    for element in elements:
        kind = element.text("type")
        if kind == "simplelicensing_LicenseExpression":
            found = element.text("simplelicensing_licenseExpression")
            if found and (name := element.text("spdxId")):
                expressions[name] = found
        elif kind in ("SpdxDocument", "software_Sbom"):
            roots |= set(element.texts("rootElement"))
        elif kind == "CreationInfo":
            version = version or element.text("specVersion") or ""
    licenses = _licenses(elements, expressions)
    packages, digests = [], set()
    for element in elements:
        if element.text("type") != "software_Package":
            continue
        name = element.text("spdxId") or ""
        package = _package(element, tuple(dict.fromkeys(licenses.get(name, ()))))
        if name in roots and (package.type == "container" or (package.purl or "").startswith("pkg:oci/")):
            digests |= set(_subject_digests(element, package))
        else:
            packages.append(package)
    return Document("SPDX", version or "3.0", tuple(packages), frozenset(digests))


def _licenses(elements: list[Fields], expressions: dict[str, str]) -> dict[str, list[str]]:
    """Licence expressions by the element that has them; the concluded ones first."""
    found: dict[str, list[str]] = {}
    for wanted in _LICENSES:
        for element in elements:
            if element.text("type") == "Relationship" and element.text("relationshipType") == wanted:
                texts = [expressions[name] for name in element.texts("to") if name in expressions]
                found.setdefault(element.text("from") or "", []).extend(texts)
    return found


def _package(element: Fields, licenses: tuple[str, ...]) -> Package:
    purl = element.text("software_packageUrl")
    cpe = None
    for identifier in element.objects("externalIdentifier"):
        kind, value = identifier.text("externalIdentifierType"), identifier.text("identifier")
        if kind == "packageUrl":
            purl = purl or value
        elif kind in ("cpe23", "cpe22"):
            cpe = cpe or value
    return Package(
        name=element.required("name"),
        version=element.text("software_packageVersion"),
        purl=purl,
        type=(element.text("software_primaryPurpose") or "").replace("operatingSystem", "operating-system"),
        licenses=tuple(text for text in licenses if text not in ("NOASSERTION", "NONE")),
        checksums=tuple(_checksums(element)),
        cpe=cpe,
    )


def _checksums(element: Fields) -> Iterator[tuple[str, str]]:
    for method in element.objects("verifiedUsing"):
        if method.text("type") == "Hash":
            found = checksum(method.required("algorithm"), method.required("hashValue"))
            if found:
                yield found


def _subject_digests(element: Fields, package: Package) -> Iterator[str]:
    for value in (package.version, package.purl, package.name):
        yield from digests_in(value)
    for identifier in element.objects("software_contentIdentifier"):
        yield from digests_in(identifier.text("software_contentIdentifierValue"))
    for algorithm, value in package.checksums:
        yield f"{algorithm}:{value}"
