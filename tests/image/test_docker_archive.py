"""`docker-archive:`: which image is meant, and what is said where manifest.json or what it names isn't right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archive_makers import (
    NAME,
    Made,
    docker_20,
    docker_25,
    layout_members,
    manifest_json,
    open_any_archive,
    open_docker_archive,
    saved,
    sha256,
    skopeo,
    write_archive,
    write_layout,
)

from pytest_mediaimage.errors import CorruptImage, ImageNotFound, InvalidReference, PlatformNotFound
from pytest_mediaimage.image.build import Item, tar_of
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, platforms_of

ONE = Made.of([tar_of([Item("one", b"1")])])
TWO = Made.of([tar_of([Item("one", b"1")]), tar_of([Item("two", b"22")])], title="other")
CONFIG = f"{sha256(ONE.config)}.json"
LAYER = f"{sha256(ONE.layers[0])}.tar"


def archive(path: Path, *images: dict[str, Any], extra: tuple[Item, ...] = (), config: bytes = ONE.config) -> Path:
    """The members of ONE, and any manifest.json."""
    members = [Item(LAYER, ONE.layers[0]), Item(CONFIG, config), *extra, manifest_json(*images)]
    return write_archive(members, path / "image.tar")


def several(path: Path, *images: tuple[Made, tuple[str, ...]]) -> Path:
    members: list[Item] = []
    listed: list[dict[str, Any]] = []
    for made, tags in images:
        *new, document = skopeo(made, *tags)
        members += new
        (item,) = json.loads(document.data)  # type: ignore[arg-type]
        listed.append({**item, "RepoTags": list(tags) or None})
    return write_archive([*members, manifest_json(*listed)], path / "image.tar")


def test_one_image_needs_no_name(tmp_path: Path) -> None:
    assert [f.path for f in open_docker_archive(several(tmp_path, (ONE, ())), tmp_path).files] == ["/one"]
    path = several(tmp_path, (ONE, ("a:1", "b:2")))
    for tag in ("", "a:1", "b:2", "1", "docker.io/library/b:2"):
        assert open_docker_archive(path, tmp_path, tag=tag).config.raw == ONE.config


def test_one_image_listed_twice(tmp_path: Path) -> None:
    path = several(tmp_path, (ONE, ("a:1",)), (ONE, ("b:2",)))
    assert open_docker_archive(path, tmp_path).config.raw == ONE.config


def test_a_name_chooses_among_several(tmp_path: Path) -> None:
    path = several(tmp_path, (ONE, ("registry.example.com/org/a:1",)), (TWO, ("org/b:1", "localhost/c:latest")))
    for tag, made in {
        "registry.example.com/org/a:1": ONE,
        "org/b:1": TWO,
        "docker.io/org/b:1": TWO,
        "localhost/c:latest": TWO,
        "c:latest": TWO,
        "c": TWO,
        "latest": TWO,
    }.items():
        assert open_docker_archive(path, tmp_path, tag=tag).config.raw == made.config, tag
    assert open_docker_archive(path, tmp_path, digest=f"sha256:{sha256(TWO.config)}").config.raw == TWO.config


@pytest.mark.parametrize("tag", ["", "1"])
def test_several_images_are_listed_and_not_guessed(tag: str, tmp_path: Path) -> None:
    path = several(tmp_path, (ONE, ("org/a:1",)), (TWO, ("org/b:1", "org/b:2")))
    with pytest.raises(InvalidReference, match="holds several images: org/a:1, org/b:1, org/b:2") as caught:
        open_docker_archive(path, tmp_path, tag=tag)
    assert f"Name one: docker-archive:{path}:org/a:1," in caught.value.remedy


def test_several_images_without_names(tmp_path: Path) -> None:
    path = several(tmp_path, (ONE, ()), (TWO, ()))
    with pytest.raises(InvalidReference, match="one without a name") as caught:
        open_docker_archive(path, tmp_path)
    assert f"docker-archive:{path}@sha256:{sha256(ONE.config)}" in caught.value.remedy


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    path = several(tmp_path, (ONE, ("org/a:1",)), (TWO, ("org/b:1",)))
    with pytest.raises(ImageNotFound, match="no image org/c:1; it holds: org/a:1, org/b:1"):
        open_docker_archive(path, tmp_path, tag="org/c:1")
    with pytest.raises(ImageNotFound, match="no image sha256:0000"):
        open_docker_archive(path, tmp_path, digest="sha256:" + "0" * 64)


def test_one_image_for_several_platforms(tmp_path: Path) -> None:
    """Some tools write one entry for each platform, under one name."""
    arm = Made.of(ONE.layers, platform="linux/arm64")
    path = several(tmp_path, (ONE, ("a:1",)), (arm, ("a:1",)))
    reference = Reference.parse(f"docker-archive:{path}")
    assert platforms_of(reference, Opening(tmp_path)) == ["linux/amd64", "linux/arm64"]
    assert open_docker_archive(path, tmp_path, platform="linux/arm64").config.raw == arm.config
    assert open_docker_archive(path, tmp_path).config.raw == ONE.config
    with pytest.raises(PlatformNotFound) as caught:
        open_docker_archive(path, tmp_path, platform="linux/s390x")
    assert caught.value.available == ("linux/amd64", "linux/arm64")
    other = several(tmp_path, (ONE, ("a:1",)), (arm, ("b:1",)))
    with pytest.raises(InvalidReference, match="holds several images: a:1, b:1"):
        open_docker_archive(other, tmp_path)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "manifest.json: no valid JSON"),
        (b"[{", "manifest.json: no valid JSON"),
        (b"[" * 200_000, "manifest.json: no valid JSON"),
        (b"\xff\xfe[", "manifest.json: no valid JSON"),
        (b'[{"Config": "x"}], "images": []', "manifest.json: no valid JSON"),
        (b'[{"Config": "x"}], "other": []', "manifest.json: the list of images is malformed: no list of images"),
        (b"{}", "manifest.json: the list of images is malformed"),
        (b"[]", "manifest.json: the list of images is malformed: no list of images"),
        (b"[1]", "manifest.json: the list of images is malformed: '1' where an object should be"),
        (b'[{"Layers": []}]', "manifest.json: the list of images is malformed: an image without 'Config'"),
        (b'[{"Config": 1}]', "manifest.json: the list of images is malformed: '1' where a string should be"),
        (b'[{"Config": "x", "Layers": "abc"}]', "malformed: 'abc' where an array should be"),
        (b'[{"Config": "x", "Layers": [1]}]', "malformed: '1' where a string should be"),
        (b'[{"Config": "x", "RepoTags": {"a": 1}}]', "where an array should be"),
        (b'[{"Config": "x", "config": "y"}]', "'Config' stands there in two spellings"),
        (b'[{"Config": "x"}]', "the archive lacks 'x'"),
        (b"[" + b" " * (4 << 20) + b"]", "manifest.json: the document is larger than 4194304 bytes"),
    ],
    ids=range(17),
)
@pytest.mark.parametrize("outer", ["none", "gzip"])
def test_manifest_that_is_none(document: bytes, words: str, outer: str, tmp_path: Path) -> None:
    path = write_archive([Item("manifest.json", document)], tmp_path / "image.tar", outer)
    with pytest.raises(CorruptImage) as caught:
        open_docker_archive(path, tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..", "", "./", "d", "\0", "x" * 5000, "a\udcff"])
def test_names_that_lead_nowhere(name: str, tmp_path: Path) -> None:
    """They are looked up among the members, never on the disk."""
    for image in (saved(name, [LAYER]), saved(CONFIG, [name])):
        path = archive(tmp_path, image, extra=(Item.directory("d"), Item("../x", b"{}"), Item("/etc/passwd", b"{}")))
        with pytest.raises(CorruptImage, match=r"the archive lacks|is no name inside of the archive"):
            open_docker_archive(path, tmp_path)


@pytest.mark.parametrize("count", [0, 2, 500])
def test_layers_and_diff_ids_of_different_numbers(count: int, tmp_path: Path) -> None:
    path = archive(tmp_path, saved(CONFIG, [LAYER] * count))
    with pytest.raises(CorruptImage, match=f"manifest.json lists {count} layers, the configuration 1 diffIDs"):
        open_docker_archive(path, tmp_path)


def test_configuration_that_is_none(tmp_path: Path) -> None:
    for config, words in {
        b"no JSON": "c.json: no valid JSON",
        b"[]": "c.json: the JSON document is no object",
        b"{}": "the image configuration is malformed",
        ONE.config.replace(b"sha256:", b"sha255:"): "the image configuration is malformed",
        b" " * (5 << 20): "c.json: the document is larger than",
    }.items():
        path = archive(tmp_path, saved("c.json", [LAYER]), extra=(Item("c.json", config),))
        with pytest.raises(CorruptImage) as caught:
            open_docker_archive(path, tmp_path)
        assert words in str(caught.value)


def test_configuration_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    changed = ONE.config.replace(b"step 0", b"step 1")
    with pytest.raises(CorruptImage, match=rf" {CONFIG}: the configuration is damaged: .*{sha256(changed)}"):
        open_docker_archive(archive(tmp_path, saved(CONFIG, [LAYER]), config=changed), tmp_path)


def test_layer_that_is_not_what_the_configuration_says(tmp_path: Path) -> None:
    other = tar_of([Item("two", b"22")])
    path = archive(tmp_path, saved(CONFIG, ["x/layer.tar"]), extra=(Item("x/layer.tar", other),))
    with pytest.raises(CorruptImage, match=rf"layer 1 \(x/layer.tar\).* is sha256:{sha256(other)}, the diffID is"):
        _ = open_docker_archive(path, tmp_path).tree


@pytest.mark.parametrize("target", ["layer.tar", "../layer.tar", "/layer.tar", "gone", "../../l", "../x/layer.tar"])
def test_link_in_place_of_a_layer(target: str, tmp_path: Path) -> None:
    """A link is followed inside the archive: the second and the last lead to a layer, the others nowhere."""
    links = (Item.symlink("x/layer.tar", target), Item.symlink("layer.tar", f"./{LAYER}"))
    path = archive(tmp_path, saved(CONFIG, ["x/layer.tar"]), extra=links)
    if target == "../layer.tar":
        assert [f.path for f in open_docker_archive(path, tmp_path).files] == ["/one"]
    else:
        with pytest.raises(CorruptImage, match=r"'x/layer.tar'"):
            open_docker_archive(path, tmp_path)


def test_chain_of_links_ends(tmp_path: Path) -> None:
    links = tuple(Item.symlink(f"l{n}", f"l{n + 1}") for n in range(1000))
    with pytest.raises(CorruptImage, match="'l0' is no name inside of the archive, or a link to none"):
        open_docker_archive(archive(tmp_path, saved(CONFIG, ["l0"]), extra=links), tmp_path)


def test_what_else_it_is(tmp_path: Path) -> None:
    layout = write_archive(layout_members(write_layout(ONE, tmp_path / "layout")), tmp_path / "oci.tar")
    with pytest.raises(ImageNotFound, match="an OCI image layout: write oci-archive:"):
        open_docker_archive(layout, tmp_path)
    old = write_archive([Item("repositories", b"{}"), Item("x/layer.tar", b"")], tmp_path / "old.tar")
    with pytest.raises(ImageNotFound, match=r"a Docker before 1.10"):
        open_docker_archive(old, tmp_path)
    other = write_archive([Item("f", b"")], tmp_path / "other.tar")
    with pytest.raises(ImageNotFound, match=r"no Docker archive .*which `docker save` writes"):
        open_docker_archive(other, tmp_path)
    with pytest.raises(ImageNotFound, match=r"(?s)it has no oci-layout\).*it has no manifest.json,"):
        open_any_archive(other, tmp_path)


def test_engine_version_25_and_later_with_two_images(tmp_path: Path) -> None:
    """One index.json lists both under the tag alone and the whole name; the tag alone means neither."""
    members: dict[str, Item] = {}
    listed, manifests = [], []
    for made, name in ((ONE, "org/a:7.1"), (TWO, "org/b:7.1")):
        for item in docker_25(made, tmp_path, name):
            data = item.data.read_bytes() if isinstance(item.data, Path) else item.data
            if item.path == "index.json":
                (descriptor,) = json.loads(data)["manifests"]
                names = {"io.containerd.image.name": f"docker.io/{name}", "org.opencontainers.image.ref.name": "7.1"}
                manifests.append({**descriptor, "annotations": names})
            elif item.path == "manifest.json":
                listed += json.loads(data)
            members[item.path] = replace(item, data=data)
    members["index.json"] = Item("index.json", json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
    members["manifest.json"] = manifest_json(*listed)
    path = write_archive(list(members.values()), tmp_path / "image.tar")
    assert open_docker_archive(path, tmp_path, tag="org/b:7.1").config.raw == TWO.config
    with pytest.raises(InvalidReference, match=r"holds several images: docker.io/org/a:7.1, docker.io/org/b:7.1"):
        open_any_archive(path, tmp_path)


def test_name_of_the_first_save(tmp_path: Path) -> None:
    path = write_archive(docker_20(TWO), tmp_path / "image.tar")
    assert open_docker_archive(path, tmp_path, tag=NAME).config.raw == TWO.config
