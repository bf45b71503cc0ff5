from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.sbom.document import Document, InvalidSbom, Package, checksum, digests_in
from pytest_mediaimage.sbom.reading import read_document

IMAGE = "sha256:" + "a" * 64
CONFIG = "sha256:" + "b" * 64
LAYER = "sha256:" + "c" * 64
X264 = "pkg:generic/x264@164"

CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "component": {
            "type": "container",
            "name": "registry.example.com/team/ffmpeg",
            "purl": f"pkg:oci/ffmpeg@{IMAGE.replace(':', '%3A')}?arch=amd64",
            "properties": [
                {"name": "aquasecurity:trivy:ImageID", "value": CONFIG},
                {"name": "aquasecurity:trivy:DiffID", "value": LAYER},
            ],
        }
    },
    "components": [
        {
            "type": "application",
            "name": "ffmpeg",
            "version": "8.1",
            "cpe": "cpe:2.3:a:ffmpeg:ffmpeg:8.1:*:*:*:*:*:*:*",
            "licenses": [{"license": {"id": "GPL-3.0-or-later"}}, {"license": {"name": "house"}}],
            "hashes": [{"alg": "SHA-256", "content": "D" * 64}],
            "evidence": {"occurrences": [{"location": "/usr/bin/ffmpeg"}]},
            "components": [{"type": "library", "name": "x264", "purl": X264, "licenses": [{"expression": "GPL-2.0+"}]}],
        },
        {"type": "library", "name": "zlib", "properties": [{"name": "syft:location:0:path", "value": "/usr/lib/libz"}]},
    ],
}

SPDX: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "ffmpeg",
    "packages": [
        {
            "SPDXID": "SPDXRef-x264",
            "name": "x264",
            "versionInfo": "164",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "GPL-2.0-or-later",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "d" * 64}],
            "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:videolan:x264:164:*:*:*:*:*:*:*"},
                {"referenceType": "purl", "referenceLocator": X264},
            ],
        },
        {
            "SPDXID": "SPDXRef-image",
            "name": "registry.example.com/team/ffmpeg",
            "versionInfo": IMAGE,
            "primaryPackagePurpose": "CONTAINER",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "b" * 64}],
        },
    ],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"}
    ],
}

SPDX3: dict[str, Any] = {
    "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
    "@graph": [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1"},
        {"type": "SpdxDocument", "spdxId": "urn:doc", "rootElement": ["urn:image"]},
        {
            "type": "software_Package",
            "spdxId": "urn:image",
            "name": "image",
            "software_primaryPurpose": "container",
            "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": "a" * 64}],
        },
        {
            "type": "software_Package",
            "spdxId": "urn:x264",
            "name": "x264",
            "software_packageVersion": "164",
            "software_packageUrl": X264,
            "software_primaryPurpose": "library",
        },
        {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l", "simplelicensing_licenseExpression": "MIT"},
        {
            "type": "Relationship",
            "spdxId": "urn:r",
            "relationshipType": "hasDeclaredLicense",
            "from": "urn:x264",
            "to": ["urn:l"],
        },
    ],
}


def test_cyclonedx() -> None:
    read = read_document(json.dumps(CYCLONEDX).encode())
    assert (read.format, read.spec_version) == ("CycloneDX", "1.6")
    assert read.subject_digests == {IMAGE, CONFIG}
    ffmpeg, x264, zlib = read.packages
    assert ffmpeg == Package(
        name="ffmpeg",
        version="8.1",
        type="application",
        licenses=("GPL-3.0-or-later", "house"),
        checksums=(("sha256", "d" * 64),),
        cpe="cpe:2.3:a:ffmpeg:ffmpeg:8.1:*:*:*:*:*:*:*",
        locations=("/usr/bin/ffmpeg",),
    )
    assert x264 == Package(name="x264", purl=X264, type="library", licenses=("GPL-2.0+",))
    assert zlib.locations == ("/usr/lib/libz",)


@pytest.mark.parametrize("version", ["SPDX-2.2", "SPDX-2.3"])
def test_spdx(version: str) -> None:
    read = read_document(json.dumps({**SPDX, "spdxVersion": version}))
    assert (read.format, read.spec_version) == ("SPDX", version[5:])
    assert read.subject_digests == {IMAGE, CONFIG}
    assert read.packages == (
        Package(
            name="x264",
            version="164",
            purl=X264,
            licenses=("GPL-2.0-or-later",),
            checksums=(("sha256", "d" * 64),),
            cpe="cpe:2.3:a:videolan:x264:164:*:*:*:*:*:*:*",
        ),
    )


def test_spdx_that_describes_its_packages() -> None:
    """Documents of source trees do; such a package stays one."""
    document = copy.deepcopy(SPDX)
    del document["relationships"]
    document["documentDescribes"] = ["SPDXRef-x264", "SPDXRef-image"]
    read = read_document(document)
    assert [package.name for package in read.packages] == ["x264"]
    assert read.subject_digests == {IMAGE, CONFIG}


def test_a_container_that_is_not_the_subject_is_listed() -> None:
    document = copy.deepcopy(SPDX)
    del document["relationships"]
    read = read_document(document)
    assert len(read.packages) == 2 and not read.subject_digests


def test_spdx3() -> None:
    read = read_document(json.dumps(SPDX3))
    assert (read.format, read.spec_version, read.subject_digests) == ("SPDX", "3.0.1", {IMAGE})
    assert read.packages == (Package(name="x264", version="164", purl=X264, type="library", licenses=("MIT",)),)


@pytest.fixture(scope="session")
def of_syft(syft: Path, debian_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Document]:
    """One root, listed by the real syft in several formats."""
    folder = tmp_path_factory.mktemp("formats")
    formats = ("cyclonedx-json@1.6", "cyclonedx-json@1.4", "spdx-json@2.3", "spdx-json@2.2")
    outputs = [word for name in formats for word in ("--output", f"{name}={folder / name}")]
    command = [syft, "scan", f"dir:{debian_root}", "--override-default-catalogers", "image", *outputs]
    subprocess.run(command, check=True, capture_output=True, env={"SYFT_CHECK_FOR_APP_UPDATE": "false"})
    return lambda name: read_document((folder / name).read_bytes())


@pytest.mark.parametrize("name", ["cyclonedx-json@1.4", "spdx-json@2.3", "spdx-json@2.2"])
def test_all_formats_of_syft_say_the_same(of_syft: Callable[[str], Document], name: str) -> None:
    def facts(document: Document) -> set[tuple[str, str | None, str | None]]:
        return {(p.name, p.version, p.purl) for p in document.packages if p.purl}

    expected = facts(of_syft("cyclonedx-json@1.6"))
    assert {fact[0] for fact in expected} == {"ffmpeg", "libavcodec59", "libavutil57"}
    assert facts(of_syft(name)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("[" + "1," * 6_000_000 + "1]", "more than 5000000 values"),
        (b"\xff\xfe\x00", "no JSON"),
        ("1" * 5000, "no JSON"),
        ("[]", "neither CycloneDX JSON nor SPDX"),
        ("{}", "neither CycloneDX JSON nor SPDX"),
        ('{"bomFormat": "CycloneDX"}', "specVersion is missing"),
        ('{"spdxVersion": "SPDX-1.2"}', "'SPDX-1.2' isn't one that is read"),
        ('{"spdxVersion": 2}', "spdxVersion isn't a text"),
        ('{"@context": "https://spdx.org/rdf/3.0.1/x", "@graph": {}}', "@graph isn't an array"),
        ('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": {}}', "components isn't an array"),
        ('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [1]}', "components/0 isn't an object"),
        ('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}', "components/0/name is missing"),
        (
            '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name":"","components":[{"name":1}]}]}',
            "components/0/components/0/name isn't a text",
        ),
        (
            json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a" * 70_000}]}),
            "components/0/name has 70000 characters",
        ),
    ],
)
def test_what_is_no_sbom(text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidSbom, match=message):
        read_document(text)


def test_too_long() -> None:
    with pytest.raises(InvalidSbom, match="has 67108865 bytes; at most 67108864"):
        read_document(b" " * (64 << 20) + b"1")


def test_too_many_components() -> None:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a"}] * 500_001}
    with pytest.raises(InvalidSbom, match="components has 500001 entries"):
        read_document(document)


def test_text_that_no_report_could_carry() -> None:
    read = read_document('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"x\\ud800"}]}')
    assert read.packages[0].name == "x\\ud800"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for key, item in items for place in places(item, (*path, key))]


@pytest.mark.parametrize("document", [CYCLONEDX, SPDX, SPDX3], ids=["CycloneDX", "SPDX 2", "SPDX 3"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_anything_in_any_place(document: dict[str, Any], data: st.DataObject) -> None:
    """It is read, or an InvalidSbom says what is wrong; all that is read are texts that can be written."""
    changed = copy.deepcopy(document)
    path = data.draw(st.sampled_from(places(changed)))
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = data.draw(ANYTHING)
    try:
        read = read_document(changed)
    except InvalidSbom as error:
        assert error.message
        return
    for package in read.packages:
        texts = [package.name, package.version or "", package.purl or "", *package.licenses, *package.locations]
        assert all(isinstance(text, str) and text.encode() is not None for text in texts)
    assert all(
        digest in list(digests_in(digest)) or not digest.startswith("sha256:") for digest in read.subject_digests
    )


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_bytes(data: bytes | str) -> None:
    with pytest.raises(InvalidSbom):
        read_document(data)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"repo@{IMAGE}", [IMAGE]),
        (f"pkg:oci/a@sha256%3a{'a' * 64}?x=1", [IMAGE]),
        ("sha256:" + "a" * 63, []),
        ("sha256:" + "a" * 65, []),
        ("sha512:" + "a" * 64, []),
        (None, []),
    ],
)
def test_digests_in(text: str | None, found: list[str]) -> None:
    assert list(digests_in(text)) == found


@pytest.mark.parametrize("algorithm", ["SHA-256", "SHA256", "sha256"])
def test_checksum_in_any_spelling(algorithm: str) -> None:
    assert checksum(algorithm, "AB" * 32) == ("sha256", "ab" * 32)
    assert checksum(algorithm, "nonsense") is None
