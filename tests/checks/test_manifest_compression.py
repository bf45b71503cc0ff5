"""`manifest.compression`: by bytes, not by names; and what only a base image may bring."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from manifest_images import DOCKER_MANIFEST, Judge, errors, judge, layout, live, rewrite, said
from mending import assert_one_is_gone_and_nothing_new
from support.registry import Registry

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Status

__all__ = ["judge", "live"]
CHECK = "manifest.compression"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
NOISE = [bytes(range(256)) * 40 + bytes([n]) * n for n in range(8)]


def made(compression: str, number: int) -> BuiltLayer:
    return layer([Item(f"opt/{number}", NOISE[number])], f"COPY {number} /opt", compression=compression)


def image(root: Path, *compressions: str) -> Path:
    return layout(root, *(made(compression, n) for n, compression in enumerate(compressions)))


def test_layers_as_asked_pass_with_their_shares(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, image(tmp_path / "a", "zstd", "zstd"), image_compression="zstd")
    assert (result.status, result.measured, result.budget, said(result)) == (Status.PASSED, "zstd 100 %", "zstd", [])


def test_no_layer_as_asked_fails(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, image(tmp_path / "a", "gzip", "gzip"), image_compression="zstd")
    assert [message.partition(" (")[0] for message in errors(result)] == [
        "layer 1 is gzip, not zstd",
        "layer 2 is gzip, not zstd",
    ]
    assert "compression=zstd,force-compression=true" in result.findings[0].fix
    assert result.findings[0].created_by == "COPY 0 /opt"


def test_a_layer_that_is_mended_brings_no_new_finding(judge: Judge, tmp_path: Path) -> None:
    layers = [layer([Item(f"opt/{n}", b"%d" % n)], f"COPY {n} /opt", compression="gzip") for n in range(25)]
    before, after = (
        judge(CHECK, layout(tmp_path / name, *left), image_compression="zstd")
        for name, left in (("a", layers), ("b", layers[1:]))
    )
    assert_one_is_gone_and_nothing_new(before, after)


def test_a_layer_above_one_that_is_as_asked_fails(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, image(tmp_path / "a", "gzip", "zstd", "none"), image_compression="zstd")
    (message,) = errors(result)
    assert message.startswith("layer 3 is uncompressed, not zstd")
    assert [severity for severity, _ in said(result)] == ["error", "note"]


def test_the_gzip_layers_of_a_public_base_are_noted(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, image(tmp_path / "a", "gzip", "gzip", "zstd"), image_compression="zstd")
    assert result.status is Status.PASSED
    ((severity, message),) = said(result)
    assert severity == "note" and message.startswith("the lowest layers (1, 2; ")
    assert result.findings[0].bytes is not None and str(result.measured).startswith("gzip ")


def test_an_empty_layer_from_a_cache_is_a_note(judge: Judge, tmp_path: Path) -> None:
    empty = layer([], "WORKDIR /opt", compression="gzip")
    big = layer([Item("opt/big", random.Random(1).randbytes(50_000))], "COPY big /opt")
    result = judge(CHECK, layout(tmp_path / "a", big, empty), image_compression="zstd")
    ((severity, message),) = said(result)
    assert severity == "note" and message.startswith("layer 2 is gzip, not zstd")


@pytest.mark.parametrize(
    ("really", "named", "words"),
    [
        ("zstd", "+gzip", "layer 1 is zstd, but its media type application/vnd.oci.image.layer.v1.tar+gzip says gzip"),
        ("gzip", "+zstd", "says zstd"),
        ("gzip", "", "says uncompressed"),
        ("none", "+gzip", "layer 1 is uncompressed, but"),
    ],
)
def test_a_media_type_that_lies_fails(judge: Judge, tmp_path: Path, really: str, named: str, words: str) -> None:
    lying = replace(made(really, 1), media_type=OCI_LAYER + named)
    for read in (False, True):
        result = judge(CHECK, layout(tmp_path / f"a{read}", lying), read=read)
        (message,) = errors(result)
        assert words in message


@pytest.mark.parametrize("media_type", [f"{OCI_LAYER}+gzip", "application/vnd.docker.image.rootfs.diff.tar.zstd"])
def test_zstd_in_a_docker_manifest_fails_whatever_it_is_called(judge: Judge, tmp_path: Path, media_type: str) -> None:
    root = layout(tmp_path / "a", replace(made("zstd", 1), media_type=media_type))
    rewrite(root, lambda document: document.update(mediaType=DOCKER_MANIFEST))
    (message,) = errors(judge(CHECK, root))
    assert message.startswith("layer 1 is zstd in a manifest of Docker's type")


def test_gzip_in_a_docker_manifest_is_what_docker_writes(judge: Judge, tmp_path: Path) -> None:
    docker = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    root = layout(tmp_path / "a", replace(made("gzip", 1), media_type=docker))
    rewrite(root, lambda document: document.update(mediaType=DOCKER_MANIFEST))
    assert said(judge(CHECK, root)) == []


def test_an_unknown_media_type_promises_nothing(judge: Judge, tmp_path: Path) -> None:
    odd = replace(made("gzip", 1), media_type="application/vnd.example.layer")
    assert said(judge(CHECK, layout(tmp_path / "a", odd))) == []


def test_a_known_layer_is_not_asked_for_again(judge: Judge, tmp_path: Path, live: Registry) -> None:
    live.push(image(tmp_path / "a", "gzip", "zstd"), "org/ffmpeg", "1")
    name = f"registry:{live.address}/org/ffmpeg:1"
    first = judge(CHECK, name, read=True)
    assert str(first.measured).count("%") == 2
    with live.watched() as asked:
        assert judge(CHECK, name).measured == first.measured
    assert [access.path for access in asked if "/blobs/" in access.path] == []


def test_the_first_bytes_are_enough_where_a_layer_is_known(judge: Judge, tmp_path: Path, live: Registry) -> None:
    """As after a run on the same layers in another packing."""
    live.push(image(tmp_path / "a", "zstd"), "org/ffmpeg", "1")
    name = f"registry:{live.address}/org/ffmpeg:1"
    assert judge(CHECK, name).measured == "zstd 100 %"
    with live.watched() as asked:
        assert judge(CHECK, name).measured == "zstd 100 %"
    assert [access.path for access in asked if "/blobs/" in access.path] == []


def test_a_damaged_memory_of_packings_is_made_anew(judge: Judge, tmp_path: Path) -> None:
    root = image(tmp_path / "a", "zstd")
    (tmp_path / "cache").mkdir()
    for text in ("{", "[]", '{"sha256:x": 1}', '{"a": {}}'):
        (tmp_path / "cache" / "packing.json").write_text(text)
        assert judge(CHECK, root).measured == "zstd 100 %"
