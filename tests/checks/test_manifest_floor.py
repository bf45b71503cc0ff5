"""`manifest.runtime-floor`: what old runtimes can't do, by their release notes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from manifest_images import DOCKER_MANIFEST, Judge, errors, index, judge, layout, one, rewrite, said

from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.policy import load_policy
from pytest_mediaimage.result import Status

__all__ = ["judge"]
CHECK = "manifest.runtime-floor"


def gzip(root: Path, count: int = 1, media_type: str = "") -> Path:
    layers = [one(str(n).encode(), f"COPY {n}", "gzip") for n in range(count)]
    return layout(root, *(replace(item, media_type=media_type or item.media_type) for item in layers))


def docker_types(root: Path) -> Path:
    """What `docker push` writes."""
    gzip(root, media_type="application/vnd.docker.image.rootfs.diff.tar.gzip")
    return rewrite(root, lambda document: document.update(mediaType=DOCKER_MANIFEST))


def test_without_a_fleet_it_skips(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, layout(tmp_path / "a"))
    assert result.status is Status.SKIPPED and "the policy names no runtime" in result.reason


@pytest.mark.parametrize(
    ("fleet", "words"),
    [
        ({"fleet_docker": "20.10"}, "docker can do that since 23.0, the fleet has 20.10"),
        ({"fleet_docker": "20.10.24"}, "the fleet has 20.10.24"),
        ({"fleet_containerd": "1.4.13"}, "containerd can do that since 1.5, the fleet has 1.4.13"),
        ({"fleet_podman": "1.6"}, "podman can do that since 1.8, the fleet has 1.6"),
        ({"fleet_docker": "23.0", "fleet_containerd": "1.5", "fleet_podman": "4.3"}, ""),
        ({"fleet_docker": "28"}, ""),
        ({"fleet_podman": "1.10"}, ""),
    ],
)
def test_zstd_layers(judge: Judge, tmp_path: Path, fleet: dict[str, str], words: str) -> None:
    result = judge(CHECK, layout(tmp_path / "a", one(compression="gzip"), one(b"2")), **fleet)
    assert [message.startswith("layers in zstd (1 of 2)") for message in errors(result)] == [True] * bool(words)
    assert not words or words in errors(result)[0]
    assert str(result.measured).startswith("layers in zstd (1 of 2)")


def test_zstd_that_is_called_gzip_is_zstd(judge: Judge, tmp_path: Path) -> None:
    hidden = replace(one(), media_type="application/vnd.oci.image.layer.v1.tar+gzip")
    assert len(errors(judge(CHECK, layout(tmp_path / "a", hidden), fleet_docker="20.10"))) == 1


def test_what_docker_itself_pushes_goes_anywhere(judge: Judge, tmp_path: Path) -> None:
    root = docker_types(tmp_path / "a")
    result = judge(CHECK, root, fleet_docker="17.03", fleet_containerd="1.0", fleet_podman="1.0")
    assert (result.status, result.measured, said(result)) == (Status.PASSED, "nothing special", [])


def test_oci_types_need_docker_18_06(judge: Judge, tmp_path: Path) -> None:
    root = gzip(tmp_path / "a")
    assert errors(judge(CHECK, root, fleet_docker="17.12")) == [
        "OCI media types: docker can do that since 18.06, the fleet has 17.12"
    ]
    assert errors(judge(CHECK, root, fleet_docker="18.06")) == []
    many, _ = index(tmp_path / "b", ["linux/amd64", "linux/arm64"])
    assert any("OCI media types" in message for message in errors(judge(CHECK, many, fleet_docker="18.03")))


def test_docker_chains_125_layers(judge: Judge, tmp_path: Path) -> None:
    assert errors(judge(CHECK, gzip(tmp_path / "a", 125), fleet_docker="28.0", fleet_containerd="2.0")) == []
    assert errors(judge(CHECK, gzip(tmp_path / "b", 126), fleet_docker="28.0", fleet_containerd="2.0")) == [
        "more than 125 layers (126): docker can do that in no version, the fleet has 28.0"
    ]


@pytest.mark.parametrize(
    ("media_type", "fleet", "words"),
    [
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", {"fleet_docker": "28"}, "encrypted layers"),
        ("application/vnd.oci.image.layer.nydus.blob.v1", {"fleet_podman": "5.4"}, "nydus layers"),
    ],
)
def test_layers_that_no_version_unpacks(
    judge: Judge, tmp_path: Path, media_type: str, fleet: dict[str, Any], words: str
) -> None:
    (message,) = errors(judge(CHECK, gzip(tmp_path / "a", media_type=media_type), **fleet))
    assert message.startswith(f"{words}: ") and "in no version" in message


def test_a_version_that_yaml_takes_for_a_number_is_a_mistake(tmp_path: Path) -> None:
    policy = tmp_path / "mediaimage.yaml"
    policy.write_text('version: 1\nfleet:\n  docker: "20.10"\n')
    assert load_policy(policy).fleet_docker == "20.10"
    for wrong in ("20.10", "23", "latest", "v23.0", "[20]"):
        policy.write_text(f"version: 1\nfleet:\n  docker: {wrong}\n")
        with pytest.raises(PolicyError, match=r"3.*fleet\.docker"):
            load_policy(policy)


def test_platforms_and_attestations_of_a_policy_are_looked_over(tmp_path: Path) -> None:
    policy = tmp_path / "mediaimage.yaml"
    policy.write_text("version: 1\nimage: {platforms: [linux/amd64, linux/arm/v7], attestations: [sbom]}\n")
    assert load_policy(policy).image_platforms == ("linux/amd64", "linux/arm/v7")
    for wrong in ("platforms: [amd64]", "platforms: linux/amd64", "attestations: [bom]", "compression: xz"):
        policy.write_text(f"version: 1\nimage: {{{wrong}}}\n")
        with pytest.raises(PolicyError, match="image"):
            load_policy(policy)
