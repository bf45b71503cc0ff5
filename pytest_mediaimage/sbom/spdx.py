"""SPDX 2.2 and 2.3 JSON as a Document; 3.0 is read by `spdx3`.

The specification: https://spdx.github.io/spdx-spec/v2.3/, its JSON schema in github.com/spdx/spdx-spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .document import Document, Fields, InvalidSbom, Package, checksum, digests_in

_NOTHING = ("NOASSERTION", "NONE")


def is_spdx(document: Any) -> bool:
    """Whether it says of itself that it is SPDX 2.x JSON."""
    return isinstance(document, dict) and "spdxVersion" in document


def read_spdx(document: Any) -> Document:
    """The document's packages, and the digests of the one that it describes. Raises InvalidSbom."""
    top = Fields(document, "")
    version = top.required("spdxVersion")
    if not re.fullmatch(r"SPDX-2\.\d+", version):
        raise InvalidSbom(f"spdxVersion {version[:40]!r} isn't one that is read: SPDX-2.2, SPDX-2.3")
    described = _described(top)
    packages, digests = [], set(digests_in(top.text("name")))
    for item in top.objects("packages"):
        package = _package(item)
        if item.text("SPDXID") in described and _is_subject(item, package):
            digests |= set(_subject_digests(package))
        else:
            packages.append(package)
    return Document("SPDX", version.removeprefix("SPDX-"), tuple(packages), frozenset(digests))


def _described(top: Fields) -> set[str]:
    """The ids of what the document is about: three spellings of one statement."""
    found = set(top.texts("documentDescribes"))
    for relation in top.objects("relationships"):
        kind, one, other = (relation.text(key) for key in ("relationshipType", "spdxElementId", "relatedSpdxElement"))
        if kind == "DESCRIBES" and one == "SPDXRef-DOCUMENT" and other:
            found.add(other)
        elif kind == "DESCRIBED_BY" and other == "SPDXRef-DOCUMENT" and one:
            found.add(one)
    return found


def _is_subject(item: Fields, package: Package) -> bool:
    """A document may describe every package it lists; one that is an image or a root is no package in it."""
    if package.type == "container" or (package.purl or "").startswith(("pkg:oci/", "pkg:docker/")):
        return True
    return (item.text("SPDXID") or "").startswith(
        "SPDXRef-DocumentRoot-"
    )  # syft, and BuildKit's scanner, which is syft


def _package(item: Fields) -> Package:
    purl = cpe = None
    for reference in item.objects("externalRefs"):
        kind, locator = reference.text("referenceType"), reference.text("referenceLocator")
        if kind == "purl":
            purl = purl or locator
        elif kind in ("cpe23Type", "cpe22Type"):
            cpe = cpe or locator
    licenses = (item.text(key) for key in ("licenseConcluded", "licenseDeclared"))
    sums = (
        checksum(entry.required("algorithm"), entry.required("checksumValue")) for entry in item.objects("checksums")
    )
    return Package(
        name=item.required("name"),
        version=item.text("versionInfo"),
        purl=purl,
        type=_TYPES.get(item.text("primaryPackagePurpose") or "", ""),
        licenses=tuple(dict.fromkeys(found for found in licenses if found and found not in _NOTHING)),
        checksums=tuple(found for found in sums if found),
        cpe=cpe,
        locations=tuple(_locations(item)),
    )


_TYPES = {
    "APPLICATION": "application",
    "FRAMEWORK": "framework",
    "LIBRARY": "library",
    "CONTAINER": "container",
    "OPERATING-SYSTEM": "operating-system",
    "OPERATING_SYSTEM": "operating-system",
    "DEVICE": "device",
    "FIRMWARE": "firmware",
    "FILE": "file",
}
"""CycloneDX's words for SPDX's purposes; both spellings of the operating system stand in documents."""


def _locations(item: Fields) -> Iterator[str]:
    name = item.text("packageFileName")
    if name and name.startswith("/"):
        yield name


def _subject_digests(package: Package) -> Iterator[str]:
    for value in (package.version, package.purl, package.name):
        yield from digests_in(value)
    for algorithm, value in package.checksums:
        yield f"{algorithm}:{value}"
