"""`sbom.attached`: SBOMs that oras, cosign and buildx attached, in both kinds of registry and in layouts."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from manifest_images import AMD64, ARM64, Judge, artifact, attestation, errors, image, judge, layout, live, said
from sbom_images import CYCLONEDX, SPDX, Pushed, built_with_sbom, cyclonedx, pushed, spdx, tools, write
from support.attaching import Tools
from support.registry import Call, Fake, Registry, isolate, serving

from pytest_mediaimage.image.build import LayoutWriter
from pytest_mediaimage.image.limits import MAX_ATTACHED_LENGTH
from pytest_mediaimage.result import Result, Status

__all__ = ["judge", "live", "pushed", "tools"]
CHECK = "sbom.attached"
X264 = ("libx264-164", "2:0.164.3095-1")
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def test_what_oras_attaches_is_found(judge: Judge, tools: Tools, pushed: Pushed) -> None:
    tools.attach(pushed.at(pushed.images[AMD64]), tools.write("a.json", cyclonedx(X264)), CYCLONEDX, "--plain-http")
    tools.attach(pushed.at(pushed.index), tools.write("b.json", spdx(X264, ("libc6", "2"))), SPDX, "--plain-http")
    result = judge(CHECK, pushed.name, sbom_attached=True)
    expected = "CycloneDX 1.6 as a referrer (1 package), SPDX 2.3 as a referrer (2 packages)"
    assert (result.status, result.measured, said(result)) == (Status.PASSED, expected, [])
    other = judge(CHECK, pushed.name, sbom_attached=True, platform=ARM64)
    assert other.measured == "SPDX 2.3 as a referrer (2 packages)"  # the other one hangs on the other platform


@pytest.mark.parametrize("bundle", [False, True], ids=["tag", "bundle"])
def test_what_cosign_attests_is_found(judge: Judge, tools: Tools, pushed: Pushed, bundle: bool) -> None:
    name = tools.write("a.json", cyclonedx(X264))
    tools.attest(pushed.at(pushed.images[AMD64]), name, "cyclonedx", bundle=bundle)
    tools.attest(pushed.at(pushed.images[AMD64]), tools.write("b.json", spdx(X264)), "spdxjson", bundle=bundle)
    result = judge(CHECK, pushed.name, sbom_attached=True)
    way = "as a referrer" if bundle else "by cosign's tag"
    assert (result.status, said(result)) == (Status.PASSED, [])
    assert sorted(str(result.measured).split(", ")) == [
        f"CycloneDX 1.6 {way} (1 package)",
        f"SPDX 2.3 {way} (1 package)",
    ]
    assert judge("manifest.attestations", pushed.name, image_attestations=("sbom",)).measured == f"SBOM {way}"
    assert said(judge("sbom.fresh", pushed.name)) == []


def test_what_cosign_once_attached_is_found(judge: Judge, tools: Tools, pushed: Pushed) -> None:
    name = tools.write("a.json", spdx(X264))
    options = ["--type=spdx", "--input-format=json", "--allow-http-registry"]
    tools.run("cosign", "attach", "sbom", f"--sbom={name}", *options, pushed.at(pushed.images[AMD64]))
    assert judge(CHECK, pushed.name).measured == "SPDX 2.3 by cosign's tag (1 package)"


def test_what_buildx_attaches_is_found(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    archive = built_with_sbom(tools, spdx(X264))
    unpacked = tmp_path / "unpacked"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    for name in (f"oci-archive:{archive}", f"oci:{unpacked}"):
        result = judge(CHECK, name, sbom_attached=True)
        assert (result.status, result.measured) == (Status.PASSED, "SPDX 2.3 in the index (1 package)")
        fresh = judge("sbom.fresh", name)  # an export without a name has statements without a subject
        assert (fresh.measured, said(fresh)) == ("about this image, no versions differ", [])


def test_a_layout_is_looked_through_as_the_tools_write_it(judge: Judge, tools: Tools, pushed: Pushed) -> None:
    one = pushed.images[AMD64]
    tools.attach(pushed.at(one), tools.write("a.json", cyclonedx(X264)), CYCLONEDX, "--plain-http")
    tools.attest(pushed.at(one), "a.json", "cyclonedx", bundle=True)
    # Without it this release of oras copies the rest, and fails at the tag.
    tools.attach(pushed.at(pushed.index), tools.write("b.json", spdx(X264)), SPDX, "--plain-http")
    tools.run("oras", "cp", "-r", "--from-plain-http", "--to-oci-layout", f"{pushed.repository}:1", "copied:1")
    result = judge(CHECK, f"oci:{tools.home}/copied:1")
    assert str(result.measured).count("CycloneDX 1.6 as a referrer") == 2
    assert str(result.measured).count("SPDX 2.3 as a referrer") == 1

    tools.attest(pushed.at(one), "a.json", "cyclonedx", bundle=False)
    tools.run("cosign", "save", "--allow-insecure-registry", "--dir=saved", pushed.at(one))
    result = judge(CHECK, f"oci:{tools.home}/saved")
    assert result.measured == "CycloneDX 1.6 by cosign's tag (1 package)"


def test_what_oras_attaches_in_a_layout_is_found(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, images = write(tmp_path / "layout")
    name = tools.write("a.json", cyclonedx(X264))
    assert judge(CHECK, root).measured == "none"
    tools.attach(f"{root}@{images[AMD64]}", name, CYCLONEDX, "--oci-layout")
    assert judge(CHECK, root).measured == "CycloneDX 1.6 as a referrer (1 package)"
    archive = tmp_path / "layout.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(root, ".")
    assert judge(CHECK, f"oci-archive:{archive}").measured == "CycloneDX 1.6 as a referrer (1 package)"


def test_an_artifact_type_of_ones_own_is_told_by_its_content(judge: Judge, tools: Tools, pushed: Pushed) -> None:
    name = tools.write("a.json", cyclonedx(X264))
    kind = "application/vnd.example.bill+type"
    image = pushed.at(pushed.images[AMD64])
    tools.run("oras", "attach", "--plain-http", "--artifact-type", kind, image, f"{name}:{CYCLONEDX}")
    assert judge(CHECK, pushed.name).measured == "CycloneDX 1.6 as a referrer (1 package)"


def test_what_was_fetched_once_is_not_fetched_again(judge: Judge, tools: Tools, tmp_path: Path, live: Registry) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")
    image = f"{live.address}/org/ffmpeg@{digest}"
    tools.attach(image, tools.write("a.json", cyclonedx(X264)), CYCLONEDX, "--plain-http")
    for blobs in (2, 0):  # the image's configuration, and the SBOM
        with live.watched() as asked:
            assert judge(CHECK, f"registry:{image}").measured == "CycloneDX 1.6 as a referrer (1 package)"
        assert sum("/blobs/" in access.path for access in asked) == blobs


def test_none_is_a_note_until_it_is_asked_for(judge: Judge, tmp_path: Path, live: Registry) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")
    name = f"registry:{live.address}/org/ffmpeg:1"
    words = f"no SBOM is attached to {digest}"
    assert said(judge(CHECK, name)) == [("note", words)]
    severity: dict[str, Any] = {"severity": {}}  # as where the policy's own file asks
    assert errors(judge(CHECK, name, sbom_attached=True, **severity)) == [words]
    assert errors(judge(CHECK, name, sbom_formats=("spdx",), **severity)) == [words]
    assert said(judge(CHECK, name, sbom_attached=False)) == []


def test_a_format_that_is_not_asked_for_is_told(judge: Judge, tools: Tools, pushed: Pushed) -> None:
    tools.attach(pushed.at(pushed.images[AMD64]), tools.write("a.json", cyclonedx(X264)), CYCLONEDX, "--plain-http")
    assert said(judge(CHECK, pushed.name, sbom_formats=("cyclonedx", "spdx"))) == []
    result = judge(CHECK, pushed.name, sbom_formats=("spdx",), severity={})
    assert errors(result) == ["the attached SBOM is CycloneDX, where SPDX is asked for"]
    assert result.budget == "SPDX"


def test_one_that_can_not_be_read_is_named(judge: Judge, tools: Tools, pushed: Pushed) -> None:
    for name, content in (("a.json", "no json"), ("b.json", '{"bomFormat": "CycloneDX"}')):
        (tools.home / name).write_text(content)
        tools.attach(pushed.at(pushed.images[AMD64]), name, CYCLONEDX, "--plain-http")
    found = said(judge(CHECK, pushed.name))
    assert [severity for severity, _ in found] == ["warning", "warning"]
    words = " ".join(message for _, message in found)
    assert "sha256:" in words and "is no JSON" in words and "specVersion is missing" in words
    assert judge("sbom.complete", pushed.name).reason == "no SBOM that can be read is attached"


Alter = Callable[[dict[str, Any]], None]


def attached_by_hand(root: Path, content: bytes = b"{}", alter: Alter = lambda _: None, **more: Any) -> Path:
    """A layout with an image and an artifact attached to it; `alter` changes the artifact's layer."""
    root.mkdir(parents=True)
    writer = LayoutWriter(root)
    one = image(writer, AMD64)
    writer.list(one)
    part = writer.blob(content, CYCLONEDX)
    alter(part)
    subject = {"mediaType": one["mediaType"], "digest": one["digest"], "size": one["size"]}
    made = artifact(writer, [part], **{"subject": subject, "artifactType": CYCLONEDX, **more})
    writer.list({**made, "artifactType": CYCLONEDX})
    return writer.finish()


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        ({"size": MAX_ATTACHED_LENGTH + 1}, f"at most {MAX_ATTACHED_LENGTH} are read"),
        ({"size": 1}, "length isn't 1 bytes"),
        ({"digest": "sha256:" + "0" * 64}, "lacks this blob"),
    ],
)
def test_a_blob_that_is_not_as_described_is_named(
    judge: Judge, tmp_path: Path, alter: dict[str, Any], words: str
) -> None:
    root = attached_by_hand(tmp_path / "image", alter=lambda part: part.update(alter))
    ((severity, message),) = said(judge(CHECK, root))
    assert severity == "warning" and words in message and "sha256:" in message


def test_a_blob_whose_content_was_changed_is_named(judge: Judge, tmp_path: Path) -> None:
    content = json.dumps(cyclonedx(X264)).encode()
    part: dict[str, Any] = {}
    root = attached_by_hand(tmp_path / "image", content, part.update)
    assert said(judge(CHECK, root)) == []
    (root / "blobs" / part["digest"].replace(":", "/")).write_bytes(content.replace(b"164", b"999"))
    assert "the blob is damaged" in said(judge(CHECK, root))[0][1]


class Listing:
    """Answers with a list of referrers, which may come in pages."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.endless = False

    def __call__(self, call: Call) -> None:
        number = int(call.path.partition("page=")[2] or 0)
        more = number + 1 < len(self.pages) or self.endless
        page = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.pages[min(number, len(self.pages) - 1)]}
        path = call.path.partition("?")[0]
        link = {"Link": f'<{path}?page={number + 1}>; rel="next"'} if more else {}
        call.answer(200, json.dumps(page).encode(), Content_Type=OCI_INDEX, **link)


def asked(judge: Judge, root: Path, listing: Listing, digest: str = "") -> Result:
    fake = Fake(root, {"/referrers/": listing, "/manifests/sha256-": lambda call: call.answer(404)})
    with serving(fake) as server:
        name = f"registry:{server.address}/org/ffmpeg"
        return judge(CHECK, f"{name}@{digest}" if digest else f"{name}:1")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)


def listed(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "index.json").read_bytes())["manifests"][1]
    return found


@pytest.mark.usefixtures("alone")
def test_a_list_in_pages_is_read_to_its_end(judge: Judge, tmp_path: Path) -> None:
    root = attached_by_hand(tmp_path / "image", json.dumps(cyclonedx(X264)).encode())
    listing = Listing([], [], [listed(root)])
    assert asked(judge, root, listing).measured == "CycloneDX 1.6 as a referrer (1 package)"
    listing.endless = True
    result = asked(judge, root, listing)
    assert result.status is Status.ERROR and "of more than 32 pages" in str(result.reason)


@pytest.mark.usefixtures("alone")
def test_an_artifact_that_is_attached_to_something_else_is_named(judge: Judge, tmp_path: Path) -> None:
    other = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "1" * 64, "size": 2}
    for more, words in (({"subject": other}, "but attached to sha256:111"), ({"subject": None}, "attached to nothing")):
        root = attached_by_hand(tmp_path / words[-3:], json.dumps(cyclonedx(X264)).encode(), **more)
        ((severity, message),) = said(asked(judge, root, Listing([listed(root)])))
        assert severity == "warning" and words in message


@pytest.mark.usefixtures("alone")
def test_a_blob_that_redirects_without_end_is_a_fault_of_the_registry(judge: Judge, tmp_path: Path) -> None:
    part: dict[str, Any] = {}
    root = attached_by_hand(tmp_path / "image", json.dumps(cyclonedx(X264)).encode(), part.update)
    fake = Fake(root, {"/referrers/": Listing([listed(root)]), "/manifests/sha256-": lambda call: call.answer(404)})
    fake.instead[f"/blobs/{part['digest']}"] = lambda call: call.answer(307, Location=call.path)
    with serving(fake) as server:
        name = f"registry:{server.address}/org/ffmpeg:1"
        result = judge(CHECK, name, sbom_attached=True)
        assert result.status is Status.ERROR and result.environment and "redirects more than" in str(result.reason)
        skipped = judge(CHECK, name)  # nobody asked for it
        assert skipped.status is Status.SKIPPED and "redirects more than" in str(skipped.reason)


def test_an_attestation_of_another_platform_is_not_this_ones(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    images = {name: image(writer, name) for name in (AMD64, ARM64)}
    writer.index([*images.values(), attestation(writer, images[ARM64]["digest"], "https://spdx.dev/Document")])
    root = writer.finish()
    assert judge(CHECK, root).measured == "none"
    assert judge(CHECK, root, platform=ARM64).measured == "unreadable in the index"


def test_a_source_that_keeps_nothing_beside_an_image_skips(judge: Judge, debian_image: str) -> None:
    result = judge(CHECK, f"docker:{debian_image}")
    assert result.status is Status.SKIPPED and "keeps nothing beside an image" in str(result.reason)
