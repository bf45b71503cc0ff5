"""Writes archives of images the ways tools do: Docker before and after version 25, skopeo, kaniko, BuildKit."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from image_helpers import AMD64

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer, tar_of
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
NAME = "registry.example.com/org/ffmpeg:7.1"


@dataclass(frozen=True)
class Made:
    """An image to be written: its layers as plain tars, lowest first, and its configuration."""

    layers: tuple[bytes, ...]
    config: bytes

    @classmethod
    def of(cls, layers: Sequence[bytes], *, platform: str = AMD64, title: str = "test") -> Made:
        os, architecture = platform.split("/")
        document = {
            "os": os,
            "architecture": architecture,
            "config": {"Labels": {"title": title}},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(tar)}" for tar in layers]},
            "history": [{"created_by": f"step {n}"} for n in range(len(layers))],
        }
        return cls(tuple(layers), json.dumps(document).encode())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def example() -> Made:
    """Three layers, of which the last is the first again."""
    first = tar_of([Item("a", b"1" * 3000), Item.directory("d"), Item.hardlink("d/b", "a")])
    second = tar_of([Item(".wh.a"), Item("c", random.Random(1).randbytes(400_000)), Item.symlink("l", "c")])
    return Made.of([first, second, first])


def manifest_json(*images: dict[str, Any]) -> Item:
    return Item("manifest.json", json.dumps(images).encode())


def saved(config: str, layers: Sequence[str], *tags: str) -> dict[str, Any]:
    """An image as manifest.json lists it."""
    return {"Config": config, "RepoTags": list(tags) or None, "Layers": list(layers)}


def docker_20(made: Made, *tags: str) -> list[Item]:
    """`<id>/layer.tar`; a layer that is saved twice is a symbolic link the second time, and may come first."""
    names: dict[bytes, str] = {}
    members, layers = [], []
    for number, tar in enumerate(made.layers):
        folder = sha256(b"%d" % number + made.config)
        layers.append(f"{folder}/layer.tar")
        members += [Item.directory(folder), Item(f"{folder}/VERSION", b"1.0"), Item(f"{folder}/json", b"{}")]
        if tar in names:
            members.append(Item.symlink(layers[-1], f"../{names[tar]}"))
        else:
            members.append(Item(layers[-1], tar))
            names[tar] = layers[-1]
    config = f"{sha256(made.config)}.json"
    members.sort(key=lambda item: item.path)
    repositories = Item("repositories", b"{}")
    return [Item(config, made.config), *members, manifest_json(saved(config, layers, *(tags or (NAME,)))), repositories]


def skopeo(made: Made, *tags: str) -> list[Item]:
    """Layers named by their diffID, and the folders of version 1 with links to them; podman writes the same."""
    layers = [f"{sha256(tar)}.tar" for tar in made.layers]
    config = f"{sha256(made.config)}.json"
    stored = dict(zip(layers, made.layers, strict=True))
    links = [Item.symlink(f"{sha256(name.encode())}/layer.tar", f"../{name}") for name in stored]
    return [
        *(Item(name, tar) for name, tar in stored.items()),
        Item(config, made.config),
        *links,
        manifest_json(saved(config, layers, *(tags or (NAME,)))),
    ]


def kaniko(made: Made, *tags: str) -> list[Item]:
    """Layers compressed with gzip, and a configuration named by its whole digest."""
    compressed = [gzip.compress(tar, mtime=0) for tar in made.layers]
    layers = [f"{sha256(data)}.tar.gz" for data in compressed]
    config = f"sha256:{sha256(made.config)}"
    stored = dict(zip(layers, compressed, strict=True))
    return [
        Item(config, made.config),
        *(Item(name, data) for name, data in stored.items()),
        manifest_json(saved(config, layers, *(tags or (NAME,)))),
    ]


def bazel(made: Made, *tags: str) -> list[Item]:
    """Names that say nothing, the manifest first, a dot before each name."""
    layers = [f"layer-{number}/layer.tar" for number in range(len(made.layers))]
    document = manifest_json(saved("./config.json", layers, *(tags or (NAME,))))
    stored = [Item(f"./{name}", tar) for name, tar in zip(layers, made.layers, strict=True)]
    return [Item("./manifest.json", document.data), Item("./config.json", made.config), *stored]


def write_layout(made: Made, root: Path, *, compression: str = "gzip", name: str = NAME) -> Path:
    """The same image as a layout: its configuration is kept byte by byte."""
    root.mkdir(parents=True)
    writer = LayoutWriter(root)
    built = [layer(tar, compression=compression) for tar in made.layers]
    writer.list(image_manifest(writer, made, built), name)
    return writer.finish()


def image_manifest(writer: LayoutWriter, made: Made, layers: Sequence[BuiltLayer]) -> dict[str, Any]:
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": writer.blob(made.config, "application/vnd.oci.image.config.v1+json"),
        "layers": [writer.blob(item.data, item.media_type) for item in layers],
    }
    return writer.blob(json.dumps(manifest).encode(), media_type)


def layout_members(root: Path) -> list[Item]:
    return [Item(str(path.relative_to(root)), path) for path in sorted(root.rglob("*")) if path.is_file()]


def docker_25(made: Made, folder: Path, *tags: str) -> list[Item]:
    """An OCI layout with layers as they are, and a manifest.json whose names are its blobs."""
    root = write_layout(made, folder / f"docker-25-{sha256(made.config)}", compression="none", name="7.1")
    layers = [f"blobs/sha256/{sha256(tar)}" for tar in made.layers]
    document = saved(f"blobs/sha256/{sha256(made.config)}", layers, *(tags or (NAME,)))
    return [*layout_members(root), manifest_json(document)]


def write_archive(members: Sequence[Item], path: Path, compression: str = "none") -> Path:
    path.write_bytes(COMPRESSIONS[compression](tar_of(members)))
    return path


def tar_folder(root: Path, target: Path, *options: str) -> Path:
    """A directory in a tar, made by the system's own program."""
    subprocess.run(["tar", "--create", *options, "--file", target, "-C", root, "."], check=True)
    return target


def open_docker_archive(path: Path, cache: Path, *, tag: str = "", digest: str = "", platform: str = AMD64) -> Image:
    name = (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return open_image(Reference.parse(f"docker-archive:{path}{name}"), Platform(platform), Opening(cache))


def open_any_archive(path: Path, cache: Path) -> Image:
    """As a path without a transport is opened."""
    return open_image(Reference.parse(str(path)), AMD64, Opening(cache))


def contents(image: Image) -> object:
    """All that is the same in whatever form an image lies on the disk."""
    facts = [
        (item.diff_id, item.tar_size, item.entries, item.unsafe, item.found, item.xattrs) for item in image.layer_facts
    ]
    layers = [(item.index, item.diff_id, item.created_by) for item in image.layers]
    read = {file.path: image.open(file.path).read() for file in image.files if file.type == "file"}
    return image.config, image.config_digest, layers, facts, image.files, read
