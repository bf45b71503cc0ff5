"""`manifest.attestations`: the three ways to attach something to an image, and what is attached to another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from manifest_images import (
    AMD64,
    ARM64,
    SLSA,
    SPDX,
    Descriptor,
    Judge,
    artifact,
    attestation,
    errors,
    image,
    judge,
    layout,
    live,
    said,
)
from support.registry import Call, Fake, Registry, isolate, serving

from pytest_mediaimage.image.attached import kind_of
from pytest_mediaimage.image.build import LayoutWriter
from pytest_mediaimage.result import Status

__all__ = ["judge", "live"]
CHECK = "manifest.attestations"
BOTH = ("sbom", "provenance")
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def attested(root: Path, *predicates: str, platform: str = AMD64) -> Path:
    """An index of two platforms, of which one has attestations."""
    root.mkdir(parents=True, exist_ok=True)
    writer = LayoutWriter(root)
    images = {name: image(writer, name) for name in (AMD64, ARM64)}
    writer.index([*images.values(), attestation(writer, images[platform]["digest"], *predicates)])
    return writer.finish()


def test_what_buildkit_attaches_is_found(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, attested(tmp_path / "a", SLSA, SPDX), image_attestations=BOTH)
    assert (result.status, said(result)) == (Status.PASSED, [])
    assert (result.measured, result.budget) == ("SBOM in the index, provenance in the index", "sbom, provenance")


def test_what_is_asked_for_and_missing_fails(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, attested(tmp_path / "a", SLSA), image_attestations=(*BOTH, "signature"))
    assert [message.partition(" is attached")[0] for message in errors(result)] == ["no SBOM", "no signature"]
    assert "--attest type=sbom" in result.findings[0].fix


def test_another_platforms_attestations_are_not_this_ones(judge: Judge, tmp_path: Path) -> None:
    root = attested(tmp_path / "a", SLSA, SPDX, platform=ARM64)
    assert len(errors(judge(CHECK, root, image_attestations=BOTH))) == 2
    assert errors(judge(CHECK, root, image_attestations=BOTH, platform=ARM64)) == []


def test_nothing_asked_for_is_measured_only(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, attested(tmp_path / "a", "https://openvex.dev/ns/v0.2.0"))
    assert (result.status, result.measured, said(result)) == (Status.PASSED, "other in the index", [])


def test_attestations_of_an_image_that_is_not_there_are_warned_of(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    stray = "sha256:" + "0" * 64
    writer.index([image(writer, AMD64), attestation(writer, stray, SPDX)])
    result = judge(CHECK, writer.finish())
    assert said(result) == [
        ("warning", f"the index holds attestations for {stray}, which isn't among its images"),
    ]


def test_a_layout_without_an_index_can_hold_none(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, layout(tmp_path / "a"), image_attestations=BOTH)
    assert result.status is Status.SKIPPED and "name it in its registry" in result.reason


def push(live: Registry, root: Path, tag: str, make: Callable[[LayoutWriter], Descriptor], media_type: str) -> None:
    writer = LayoutWriter(root)
    root.mkdir()
    writer.list({**make(writer), "mediaType": media_type})
    live.push(writer.finish(), "org/ffmpeg", tag)


def test_cosigns_tags_are_found_in_a_registry_without_a_list_of_referrers(
    judge: Judge, tmp_path: Path, live: Registry
) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")
    name = f"registry:{live.address}/org/ffmpeg:1"
    asked = (*BOTH, "signature")
    assert len(errors(judge(CHECK, name, image_attestations=asked))) == 3

    def envelopes(writer: LayoutWriter) -> Descriptor:
        made = [
            {**writer.blob(p.encode(), "application/vnd.dsse.envelope.v1+json"), "annotations": {"predicateType": p}}
            for p in (SLSA, "https://cyclonedx.org/bom")
        ]
        return artifact(writer, made)

    def signature(writer: LayoutWriter) -> Descriptor:
        return artifact(writer, [writer.blob(b"s", "application/vnd.dev.cosign.simplesigning.v1+json")])

    oci = "application/vnd.oci.image.manifest.v1+json"
    push(live, tmp_path / "att", digest.replace(":", "-") + ".att", envelopes, oci)
    push(live, tmp_path / "sig", digest.replace(":", "-") + ".sig", signature, oci)
    result = judge(CHECK, name, image_attestations=asked)
    assert said(result) == []
    assert result.measured == "SBOM by cosign's tag, provenance by cosign's tag, signature by cosign's tag"


def test_the_tag_that_stands_for_the_list_of_referrers_is_read(judge: Judge, tmp_path: Path, live: Registry) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")

    def listed(writer: LayoutWriter) -> Descriptor:
        sbom = {
            **artifact(writer, [writer.blob(b"{}", "application/spdx+json")]),
            "artifactType": "application/spdx+json",
        }
        return writer.index([sbom], listed=False)

    push(live, tmp_path / "list", digest.replace(":", "-"), listed, OCI_INDEX)
    result = judge(CHECK, f"registry:{live.address}/org/ffmpeg:1", image_attestations=("sbom",))
    assert (result.measured, said(result)) == ("SBOM as a referrer", [])


def referring(*artifacts: dict[str, Any]) -> Callable[[Call], None]:
    digest = "sha256:" + "1" * 64
    listed = [{"mediaType": OCI_INDEX, "digest": digest, "size": 2, **item} for item in artifacts]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}).encode()
    return lambda call: call.answer(200, body, Content_Type=OCI_INDEX)


def missing(call: Call) -> None:
    call.answer(404)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.mark.usefixtures("alone")
def test_a_registry_with_a_list_of_referrers_is_asked_for_it(judge: Judge, tmp_path: Path) -> None:
    bundle = {
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "annotations": {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"},
    }
    found = referring(bundle, {"artifactType": "text/spdx"})
    fake = Fake(layout(tmp_path / "image"), {"/referrers/": found, "/manifests/sha256-": missing})
    with serving(fake) as server:
        name = f"registry:{server.address}/org/ffmpeg:1"
        result = judge(CHECK, name, image_attestations=("provenance",))
        assert (result.measured, said(result)) == ("SBOM as a referrer, provenance as a referrer", [])


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("status", [200, 400, 404, 405])
def test_a_web_page_in_place_of_the_list_means_that_there_is_none(judge: Judge, tmp_path: Path, status: int) -> None:
    def page(call: Call) -> None:
        call.answer(status, b"<html>", Content_Type="text/html")

    fake = Fake(layout(tmp_path / "image"), {"/referrers/": page, "/manifests/sha256-": missing})
    with serving(fake) as server:
        result = judge(CHECK, f"registry:{server.address}/org/ffmpeg:1", image_attestations=("sbom",))
    assert result.status is Status.FAILED and len(errors(result)) == 1


def test_a_registry_that_is_gone_is_a_fault_of_the_environment(judge: Judge, tmp_path: Path, live: Registry) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")
    judge(CHECK, f"registry:{live.address}/org/ffmpeg@{digest}")
    gone = f"registry:127.0.0.1:1/org/ffmpeg@{digest}"
    result = judge(CHECK, gone, image_attestations=("sbom",))
    assert result.status is Status.ERROR and result.environment
    assert judge(CHECK, gone).status is Status.PASSED  # where nothing is asked for, nobody is asked


@pytest.mark.parametrize(
    ("media_type", "annotations", "kind"),
    [
        ("application/vnd.cyclonedx+json", {}, "sbom"),
        ("application/vnd.syft+json", {}, "sbom"),
        ("application/vnd.cncf.notary.signature", {}, "signature"),
        (
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            {"dev.sigstore.bundle.content": "message-signature"},
            "signature",
        ),
        ("application/vnd.in-toto+json", {"in-toto.io/predicate-type": "https://cyclonedx.org/bom"}, "sbom"),
        (
            "application/vnd.in-toto+json",
            {"in-toto.io/predicate-type": "https://slsa.dev/verification_summary/v1"},
            "other",
        ),
        ("application/vnd.amazon.soci.index.v1+json", {}, "other"),
        ("application/spdx+json", {"in-toto.io/predicate-type": "https://openvex.dev/ns"}, "other"),
    ],
)
def test_kinds(media_type: str, annotations: dict[str, str], kind: str) -> None:
    assert kind_of(media_type, annotations) == kind
