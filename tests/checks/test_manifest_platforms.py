"""`manifest.platforms`: what is missing, what lies, and what merely looks as if it did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from manifest_images import (
    AMD64,
    ARM6,
    ARM7,
    ARM64,
    Judge,
    attestation,
    errors,
    image,
    index,
    judge,
    layout,
    live,
    said,
)
from support.registry import Registry

from pytest_mediaimage.image.build import LayoutWriter
from pytest_mediaimage.result import Status

__all__ = ["judge", "live"]
CHECK = "manifest.platforms"


def test_a_required_platform_that_is_missing_fails(judge: Judge, tmp_path: Path) -> None:
    root, _ = index(tmp_path / "image", [AMD64])
    result = judge(CHECK, root, image_platforms=(AMD64, ARM64))
    assert result.status is Status.FAILED
    assert (result.measured, result.budget) == (AMD64, f"{AMD64}, {ARM64}")
    assert errors(result) == ["no image for linux/arm64; there is linux/amd64"]
    assert "--platform linux/amd64,linux/arm64" in result.findings[0].fix


def test_all_required_platforms_pass_and_attestations_are_no_platforms(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    images = [image(writer, platform) for platform in (AMD64, ARM64)]
    beside = [attestation(writer, item["digest"], "https://slsa.dev/provenance/v1") for item in images]
    writer.index([*images, *beside])
    result = judge(CHECK, writer.finish(), image_platforms=(AMD64, "linux/aarch64"))
    assert (result.status, result.measured, result.findings) == (Status.PASSED, f"{AMD64}, {ARM64}", [])


def test_without_a_demand_the_platforms_are_measured(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, layout(tmp_path / "image"))
    assert (result.status, result.measured, result.budget, result.findings) == (Status.PASSED, AMD64, None, [])


@pytest.mark.parametrize(("wanted", "offered"), [("linux/arm", ARM7), (ARM7, "linux/arm"), ("linux/arm64/v8", ARM64)])
def test_names_that_mean_the_same_platform_do(judge: Judge, tmp_path: Path, wanted: str, offered: str) -> None:
    root, _ = index(tmp_path / "image", [offered, AMD64])
    assert said(judge(CHECK, root, image_platforms=(wanted,))) == []


def test_a_lower_variant_serves_and_is_noted_a_higher_one_does_not(judge: Judge, tmp_path: Path) -> None:
    root, _ = index(tmp_path / "lower", [AMD64, ARM6])
    assert said(judge(CHECK, root, image_platforms=(ARM7,))) == [
        ("note", "linux/arm/v7 gets the image for linux/arm/v6: there is none of its own")
    ]
    root, _ = index(tmp_path / "higher", [AMD64, ARM7])
    assert errors(judge(CHECK, root, image_platforms=(ARM6,))) == [
        "no image for linux/arm/v6; there is linux/amd64, linux/arm/v7"
    ]


def test_an_entry_whose_image_is_for_another_platform_fails(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    own = image(writer, AMD64)
    writer.index([own, {**own, "platform": {"os": "linux", "architecture": "arm64"}}])
    result = judge(CHECK, writer.finish(), image_platforms=(AMD64, ARM64))
    assert errors(result) == ["the index promises linux/arm64, but the image there is made for linux/amd64"]


def test_a_variant_beyond_the_promised_one_fails(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    beyond = {**image(writer, ARM7), "platform": {"os": "linux", "architecture": "arm", "variant": "v6"}}
    writer.index([image(writer, AMD64), beyond])
    (message,) = errors(judge(CHECK, writer.finish()))
    assert message == "the index promises linux/arm/v6, but the image there is made for linux/arm/v7"


def test_a_configuration_without_a_variant_lies_about_nothing(judge: Judge, tmp_path: Path) -> None:
    """Docker's official images for arm/v6 were like that for years."""
    writer = LayoutWriter(tmp_path)
    descriptor = image(writer, ARM7)
    blobs = tmp_path / "blobs"
    document = json.loads((blobs / descriptor["digest"].replace(":", "/")).read_bytes())
    config = json.loads((blobs / document["config"]["digest"].replace(":", "/")).read_bytes())
    del config["variant"]
    document["config"] = writer.blob(json.dumps(config).encode(), document["config"]["mediaType"])
    plain = writer.blob(json.dumps(document).encode(), descriptor["mediaType"])
    promised = {"os": "linux", "architecture": "arm", "variant": "v6"}
    writer.index([image(writer, AMD64), {**plain, "platform": promised}])
    assert said(judge(CHECK, writer.finish())) == []


def test_a_second_image_for_a_platform_is_noted(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    first, second = (image(writer, AMD64, config={"Labels": {"n": n}}) for n in "12")
    writer.index([first, {**second, "annotations": {"io.github.containers.compression.zstd": "true"}}])
    result = judge(CHECK, writer.finish())
    assert said(result) == [
        (
            "note",
            "2 images for linux/amd64 (in several compressions, as podman push --add-compression writes them); "
            "the first counts, as for containerd",
        )
    ]


def test_windows_has_an_image_for_each_of_its_versions(judge: Judge, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path)
    several = [image(writer, "windows/amd64", config={"Labels": {"n": n}}) for n in "12"]
    writer.index([image(writer, AMD64), *several])
    assert said(judge(CHECK, writer.finish())) == []


def test_in_an_archive_a_platform_may_be_missing_behind_its_entry(judge: Judge, tmp_path: Path) -> None:
    root, made = index(tmp_path / "image", [AMD64, ARM64])
    (root / "blobs" / made[ARM64]["digest"].replace(":", "/")).unlink()
    result = judge(CHECK, root, image_platforms=(AMD64, ARM64))
    assert said(result) == [("note", "the index names an image for linux/arm64, which isn't here")]
    assert said(judge(CHECK, root)) == []


def test_in_a_registry_it_may_not(judge: Judge, tmp_path: Path, live: Registry) -> None:
    root, made = index(tmp_path / "image", [AMD64, ARM64])
    live.push(root, "org/ffmpeg", "1")
    name = f"registry:{live.address}/org/ffmpeg:1"
    assert said(judge(CHECK, name, image_platforms=(AMD64, ARM64))) == []
    live.delete("org/ffmpeg", made[ARM64]["digest"])
    shutil.rmtree(tmp_path / "cache")
    (found,) = errors(judge(CHECK, name, image_platforms=(AMD64,)))
    assert found.startswith("the image for linux/arm64 can't be read")


def test_a_reference_to_the_manifest_of_one_platform_says_so(judge: Judge, tmp_path: Path, live: Registry) -> None:
    root, made = index(tmp_path / "image", [AMD64, ARM64])
    live.push(root, "org/ffmpeg", "1")
    name = f"registry:{live.address}/org/ffmpeg@{made[AMD64]['digest']}"
    (found,) = errors(judge(CHECK, name, image_platforms=(AMD64, ARM64)))
    assert "the reference's digest is that of one platform's manifest, not of the index" in found
