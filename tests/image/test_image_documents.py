"""Indexes, manifests and configurations: which image is meant, and what is wrong with a document."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from image_helpers import AMD64, open_layout

from pytest_mediaimage.errors import CorruptImage, ImageNotFound, InvalidReference, PlatformNotFound
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Digest, Platform
from pytest_mediaimage.image.manifest import Descriptor
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, platforms_of

ZEROS = Digest("sha256:" + "0" * 64)
ONE = layer([Item("f", b"1")], "COPY f /")
TWO = layer([Item("g", b"2")], "COPY g /")
Document = dict[str, Any]


@pytest.fixture
def writer(tmp_path: Path) -> LayoutWriter:
    (tmp_path / "l").mkdir()
    return LayoutWriter(tmp_path / "l")


def platforms(root: Path) -> list[str]:
    return list(platforms_of(Reference.parse(f"oci:{root}"), Opening(root.parent / "cache")))


def attestation(writer: LayoutWriter, subject: Document, *, annotated: bool = True) -> Document:
    """What BuildKit hangs beside an image: a manifest for the platform unknown/unknown."""
    statement = replace(layer(b"{}", compression="none"), media_type="application/vnd.in-toto+json")
    made = writer.image([statement], platform="unknown/unknown", listed=False)
    made["platform"] = {"os": "unknown", "architecture": "unknown"}
    made["annotations"] = {"vnd.docker.reference.digest": subject["digest"]}
    if annotated:
        made["annotations"]["vnd.docker.reference.type"] = "attestation-manifest"
    return made


def nested(writer: LayoutWriter, descriptor: Document, times: int) -> Document:
    for turn in range(times):
        descriptor = writer.index([descriptor], listed=turn == times - 1)
    return descriptor


@pytest.mark.parametrize("annotated", [True, False])
def test_index_with_attestations(writer: LayoutWriter, annotated: bool) -> None:
    amd, arm = (writer.image([ONE], platform=name, listed=False) for name in ("linux/amd64", "linux/arm64"))
    beside = [attestation(writer, item, annotated=annotated) for item in (amd, arm)]
    index = writer.index([beside[0], amd, arm, beside[1]])
    root = writer.finish()
    assert platforms(root) == ["linux/amd64", "linux/arm64"]
    image = open_layout(root, platform="linux/arm64")
    assert (image.digest, image.index_digest, image.platform) == (arm["digest"], index["digest"], "linux/arm64")
    with pytest.raises(PlatformNotFound) as caught:
        open_layout(root, platform="linux/riscv64")
    assert caught.value.available == ("linux/amd64", "linux/arm64")


def test_index_in_an_index(writer: LayoutWriter) -> None:
    amd, arm = (writer.image([ONE], platform=name, listed=False) for name in ("linux/amd64", "linux/arm64"))
    writer.index([writer.index([arm], listed=False), amd])
    root = writer.finish()
    assert platforms(root) == ["linux/arm64", "linux/amd64"]
    assert open_layout(root, platform="linux/arm64").digest == arm["digest"]


def test_depth_of_indexes(writer: LayoutWriter, tmp_path: Path) -> None:
    image = writer.image([ONE], listed=False)
    nested(writer, image, 4)
    assert platforms(writer.finish()) == ["linux/amd64"]
    (tmp_path / "deep").mkdir()
    deep = LayoutWriter(tmp_path / "deep")
    nested(deep, deep.image([ONE], listed=False), 5)
    with pytest.raises(CorruptImage, match="nested more than 4 deep"):
        platforms(deep.finish())


def test_index_bomb_ends(writer: LayoutWriter) -> None:
    """Four indexes that list the next a thousand times each, for a thousand made-up platforms: 10^12 images."""
    descriptor = writer.image([ONE], listed=False)
    for turn in range(4):
        variants = [
            {**descriptor, "platform": {"os": "linux", "architecture": "amd64", "variant": f"v{n}"}}
            for n in range(1000)
        ]
        descriptor = writer.index(variants, listed=turn == 3)
    root = writer.finish()
    started = time.monotonic()
    assert len(platforms(root)) == 1000
    assert time.monotonic() - started < 10


def test_index_that_names_itself_is_damaged(writer: LayoutWriter) -> None:
    """A digest can't be that of a document that holds it; such an index was changed."""
    index = writer.index([], listed=True)
    path = writer.root / "blobs" / "sha256" / index["digest"][7:]
    path.write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
    index["size"] = path.stat().st_size
    writer._manifests = [index]
    with pytest.raises(CorruptImage, match="damaged: its content has the digest"):
        platforms(writer.finish())


def test_arm_image_on_an_amd64_host(writer: LayoutWriter) -> None:
    writer.image([ONE], platform="linux/arm64")
    root = writer.finish()
    with pytest.raises(
        PlatformNotFound, match=f"oci:{root} has no image for linux/amd64; it has: linux/arm64"
    ) as caught:
        open_layout(root, platform="linux/amd64")
    assert caught.value.available == ("linux/arm64",)
    assert caught.value.remedy == "Pass --media-platform linux/arm64."


def test_variants(writer: LayoutWriter) -> None:
    """The exact platform wins; a variant answers where nobody asked for one; never the other way round."""
    names = ("linux/amd64/v3", "linux/arm/v7", "linux/amd64", "linux/arm/v6")
    made = {name: writer.image([ONE], platform=name, listed=False) for name in names}
    writer.index(list(made.values()))
    root = writer.finish()
    for wanted, got in {
        "linux/amd64": "linux/amd64",
        "linux/amd64/v3": "linux/amd64/v3",
        "linux/arm": "linux/arm/v7",
        "linux/arm/v6": "linux/arm/v6",
    }.items():
        assert open_layout(root, platform=wanted).digest == made[got]["digest"], wanted
    for wanted in ("linux/amd64/v2", "linux/arm/v5", "linux/arm64", "windows/amd64"):
        with pytest.raises(PlatformNotFound):
            open_layout(root, platform=wanted)


def test_bare_arm_is_version_seven(writer: LayoutWriter) -> None:
    """As for containerd; not the first of several."""
    made = [writer.image([ONE], platform=name, listed=False) for name in ("linux/arm/v6", "linux/arm/v7")]
    writer.index(made)
    assert open_layout(writer.finish(), platform="linux/arm").digest == made[1]["digest"]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("linux/x86-64/v2", "linux/amd64/v2"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/v8.0", "linux/arm64"),
        ("linux/arm64/v8.2", "linux/arm64/v8.2"),
        ("linux/arm64/9.0", "linux/arm64/v9"),
        ("linux/i386", "linux/386"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/riscv64", "linux/riscv64"),
    ],
)
def test_normal_form_of_platforms(text: str, normal: str) -> None:
    assert Platform(text) == Platform(normal) == normal


@pytest.mark.parametrize(
    "parts", [("", "amd64"), ("", "linux/amd64"), ("linux", ""), ("linux", "", "v8"), ("a/b", "c", "d")]
)
def test_platform_of_parts_that_are_missing(parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidReference, match="is no platform"):
        Platform.of(*parts)


@pytest.mark.parametrize(
    "platform",
    [
        {},
        {"os": "unknown", "architecture": "unknown"},
        {"os": "linux", "architecture": "unknown"},
        {"os": "", "architecture": ""},
    ],
)
def test_platforms_that_say_nothing(platform: Document) -> None:
    assert Descriptor.from_json({"digest": ZEROS, "size": 1, "platform": platform}, blob="x").platform is None


@pytest.mark.parametrize(
    "platform",
    [{"os": "linux"}, {"architecture": "amd64"}, {"os": 1, "architecture": "amd64"}, "linux/amd64", ["linux"]],
)
def test_half_a_platform_is_an_error(platform: object) -> None:
    with pytest.raises(CorruptImage, match="a descriptor is malformed"):
        Descriptor.from_json({"digest": ZEROS, "size": 1, "platform": platform}, blob="x")


def test_several_tags(writer: LayoutWriter) -> None:
    """A name is asked for where there are several images, and found in both annotations that tools write."""
    old, new = writer.image([ONE], tag="1.0"), writer.image([TWO], tag="registry.example.com/org/ffmpeg:1.1")
    writer.list({**new, "annotations": {"io.containerd.image.name": "docker.io/library/ffmpeg:latest"}})
    root = writer.finish()
    with pytest.raises(InvalidReference, match="holds several images") as caught:
        open_layout(root)
    assert f"oci:{root}:1.0" in caught.value.remedy
    assert open_layout(root, suffix=":1.0").digest == old["digest"]
    assert open_layout(root, suffix=":1.1").digest == new["digest"]
    assert open_layout(root, suffix=f"@{new['digest']}").digest == new["digest"]
    with pytest.raises(ImageNotFound) as missing:
        open_layout(root, suffix=":2.0")
    for word in ("2.0", "1.0", "1.1", new["digest"]):
        assert word in str(missing.value)
    with pytest.raises(ImageNotFound, match=f"holds no {ZEROS}"):
        open_layout(root, suffix=f"@{ZEROS}")


def test_two_tags_of_one_image(writer: LayoutWriter) -> None:
    """It is listed twice."""
    index = writer.index([writer.image([ONE], listed=False)], tag="1.0")
    writer.list(index, "latest")
    root = writer.finish()
    for suffix in ("", ":1.0", ":latest", f"@{index['digest']}"):
        assert open_layout(root, suffix=suffix).index_digest == index["digest"], suffix


def test_two_images_without_names_are_not_guessed(writer: LayoutWriter) -> None:
    first, _ = writer.image([ONE]), writer.image([TWO])
    root = writer.finish()
    with pytest.raises(InvalidReference, match="holds several images") as caught:
        open_layout(root)
    assert f"oci:{root}@{first['digest']}" in caught.value.remedy
    assert open_layout(root, suffix=f"@{first['digest']}").digest == first["digest"]


def test_one_name_and_a_nameless_image(writer: LayoutWriter) -> None:
    writer.image([ONE])
    named = writer.image([TWO], tag="new")
    root = writer.finish()
    with pytest.raises(InvalidReference, match="holds several images"):
        open_layout(root)
    assert open_layout(root, suffix=":new").digest == named["digest"]


def test_platforms_without_an_index(writer: LayoutWriter) -> None:
    """Some tools list the platforms in index.json itself, or name none and leave it to the configuration."""
    amd = writer.image([ONE], listed=False)
    arm = writer.image([ONE], platform="linux/arm64/v8", listed=False)
    for item in (amd, arm):
        writer.list({key: value for key, value in item.items() if key != "platform" or item is arm})
    root = writer.finish()
    assert platforms(root) == ["linux/amd64", "linux/arm64"]
    assert open_layout(root, platform="linux/arm64").digest == arm["digest"]
    assert open_layout(root).index_digest is None


def test_one_image_for_two_platforms(writer: LayoutWriter) -> None:
    """Of files that no processor minds; both are listed, and each can be asked for."""
    image = writer.image([ONE], tag="1")
    writer.list({**image, "platform": {"os": "linux", "architecture": "arm64"}}, "1")
    writer.list({key: value for key, value in image.items() if key != "platform"}, "2")
    root = writer.finish()
    assert platforms(root) == ["linux/amd64", "linux/arm64"]
    for platform in ("linux/amd64", "linux/arm64"):
        assert open_layout(root, platform=platform).digest == image["digest"]
    assert open_layout(root, suffix=":2").digest == image["digest"]


@pytest.mark.parametrize("config", [{}, {"mediaType": "application/vnd.example.sbom"}])
def test_artifact_instead_of_an_image(writer: LayoutWriter, config: Document) -> None:
    blob = writer.blob(json.dumps(config).encode(), "application/vnd.oci.empty.v1+json")
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": blob, "layers": [blob]}
    descriptor = writer.blob(json.dumps(manifest).encode(), media_type)
    writer.list({**descriptor, "artifactType": "application/vnd.example.clip"})
    with pytest.raises(CorruptImage, match=r"an artifact of type application/vnd.example.clip, not a container image"):
        open_layout(writer.finish())


@pytest.mark.parametrize("own", [{"artifactType": "application/vnd.example.clip"}, {}])
def test_the_manifest_tells_what_an_artifact_is(own: Document, writer: LayoutWriter) -> None:
    """OCI 1.1: the type stands in the manifest, beside an empty configuration; Helm's is that of the configuration."""
    config = "application/vnd.oci.empty.v1+json" if own else "application/vnd.cncf.helm.config.v1+json"
    blob = writer.blob(b"{}", config)
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": blob, "layers": [blob], **own}
    writer.list(writer.blob(json.dumps(manifest).encode(), media_type))
    with pytest.raises(CorruptImage, match="not a container image") as caught:
        open_layout(writer.finish())
    assert f"of type {own.get('artifactType', config)}, " in caught.value.message
    assert "Name a container image" in caught.value.remedy


def test_an_attestation_asked_for_by_its_digest(writer: LayoutWriter) -> None:
    """It has a configuration like an image's, for the platform unknown/unknown."""
    made = attestation(writer, writer.image([ONE], listed=False))
    writer.list({key: made[key] for key in ("mediaType", "digest", "size")})
    with pytest.raises(CorruptImage, match=r"of type application/vnd\.in-toto\+json, not a container image"):
        open_layout(writer.finish(), suffix=f"@{made['digest']}")


def test_an_image_inside_of_an_index_by_its_digest(writer: LayoutWriter) -> None:
    """As in a registry, where every manifest can be asked for."""
    images = [writer.image([ONE], platform=platform, listed=False) for platform in ("linux/amd64", "linux/arm64")]
    made = attestation(writer, images[0])
    writer.index([writer.index([images[1]], listed=False), images[0], made], tag="1")
    root = writer.finish()
    for image, platform in zip(images, ("linux/amd64", "linux/arm64"), strict=True):
        found = open_layout(root, suffix=f"@{image['digest']}", platform=platform)
        assert (found.digest, found.index_digest) == (image["digest"], None)
    with pytest.raises(PlatformNotFound, match="it has: linux/arm64"):
        open_layout(root, suffix=f"@{images[1]['digest']}")
    for other in (made["digest"], f"sha256:{'0' * 64}"):
        with pytest.raises(ImageNotFound, match=f"the layout holds no {other}"):
            open_layout(root, suffix=f"@{other}")


def test_a_configuration_that_is_too_long_is_called_one(writer: LayoutWriter) -> None:
    writer.image([ONE], config={"Labels": {"text": "x" * (5 << 20)}})
    with pytest.raises(CorruptImage, match=r"the image configuration has 52[0-9]{5} bytes, where at most") as caught:
        open_layout(writer.finish())
    assert "labels" in caught.value.remedy


def test_an_image_that_can_not_be_opened_is_named(writer: LayoutWriter) -> None:
    """A run may have several, and a digest of a document inside tells nobody which."""
    manifest = writer.image([ONE], tag="7.1")
    root = writer.finish()
    (root / "blobs" / "sha256" / manifest["digest"].partition(":")[2]).write_bytes(b"{}")
    with pytest.raises(CorruptImage, match=f"^oci:{root}:7.1: {manifest['digest']}: ") as caught:
        open_layout(root, suffix=":7.1")
    assert caught.value.blob == manifest["digest"]


@pytest.mark.parametrize("steps", [["a"], ["a", "b", "c"], []])
def test_history_that_fits_no_layers_blames_nobody(writer: LayoutWriter, steps: list[str]) -> None:
    writer.image([ONE, TWO], history=[{"created_by": step} for step in steps])
    assert [item.created_by for item in open_layout(writer.finish()).layers] == ["", ""]


def test_history_with_instructions_that_made_no_layer(writer: LayoutWriter) -> None:
    writer.image(
        [ONE, TWO],
        history=[
            {"created_by": "ENV A=b", "empty_layer": True},
            {"created_by": "COPY f /"},
            {"created_by": None, "comment": "buildkit"},
            {"created_by": 'CMD ["ffmpeg"]', "empty_layer": True},
        ],
    )
    assert [item.created_by for item in open_layout(writer.finish()).layers] == ["COPY f /", ""]


def test_configuration(writer: LayoutWriter) -> None:
    writer.image(
        [ONE],
        config={
            "User": "10001:10001",
            "Env": ["PATH=/bin", "EMPTY=", "EQUALS=a=b", "BARE"],
            "WorkingDir": "/work",
            "Entrypoint": ["/bin/ffmpeg"],
            "Cmd": None,
            "Labels": {"org.opencontainers.image.licenses": "GPL-3.0-or-later"},
        },
    )
    image = open_layout(writer.finish())
    config = image.config
    assert (config.user, config.working_dir, config.entrypoint, config.cmd) == (
        "10001:10001",
        "/work",
        ("/bin/ffmpeg",),
        (),
    )
    assert config.env == {"PATH": "/bin", "EMPTY": "", "EQUALS": "a=b", "BARE": ""}
    assert image.labels == {"org.opencontainers.image.licenses": "GPL-3.0-or-later"}


@pytest.mark.parametrize(
    "change", [lambda data: data + b" ", lambda data: data[:-1], lambda data: data.replace(b"l", b"L", 1)]
)
@pytest.mark.parametrize("which", ["manifest", "config"])
def test_document_that_is_not_what_its_descriptor_says(
    change: Callable[[bytes], bytes], which: str, writer: LayoutWriter
) -> None:
    descriptor = writer.image([ONE])
    root = writer.finish()
    image = open_layout(root)
    digest = descriptor["digest"] if which == "manifest" else image.config.digest
    path = root / "blobs" / "sha256" / digest[7:]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorruptImage, match=f"^oci:{root}: {digest}: "):
        open_layout(root)


def test_layers_and_diff_ids_must_be_as_many(writer: LayoutWriter) -> None:
    bare = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}
    config = writer.blob(json.dumps(bare).encode(), "c")
    layers = [writer.blob(ONE.data, ONE.media_type)]
    writer.list(writer.blob(json.dumps({"config": config, "layers": layers}).encode(), "m"))
    with pytest.raises(CorruptImage, match="the manifest has 1 layers, the configuration 0 diffIDs"):
        open_layout(writer.finish())


@pytest.mark.parametrize(
    ("annotations", "platform", "expected"),
    [
        ({"vnd.docker.reference.type": "attestation-manifest"}, None, True),
        ({"vnd.docker.reference.type": "attestation-manifest"}, {"os": "linux", "architecture": "amd64"}, True),
        ({"vnd.docker.reference.digest": ZEROS}, {"os": "unknown", "architecture": "unknown"}, True),
        ({"vnd.docker.reference.digest": ZEROS}, {"os": "linux", "architecture": "amd64"}, False),
        ({}, {"os": "unknown", "architecture": "unknown"}, False),
    ],
)
def test_is_attestation(annotations: Document, platform: Document | None, expected: bool) -> None:
    data = {"digest": ZEROS, "size": 1, "annotations": annotations, "platform": platform}
    assert Descriptor.from_json(data, blob="x").is_attestation is expected


def test_sizes_of_an_image_come_from_its_manifest(writer: LayoutWriter) -> None:
    writer.image([ONE, TWO])
    image = open_layout(writer.finish())
    assert image.manifest is not None
    assert image.compressed_size == len(ONE.data) + len(TWO.data) + len(image.config.raw)
    assert [item.compressed_size for item in image.layers] == [len(ONE.data), len(TWO.data)]
    assert image.platform == Platform(AMD64)
