"""What `manifest.*` says an engine can't pull, against an engine that is asked to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from manifest_images import Judge, errors, judge, layout, live, one
from support.registry import Registry

from pytest_mediaimage.image.build import Item, layer

__all__ = ["judge", "live"]

REFUSED = {
    "a hard link to nothing": [Item.hardlink("b", "a")],
    "a hard link to a directory": [Item.directory("d"), Item.hardlink("b", "d")],
    "a bare whiteout": [Item("opt/.wh.")],
    "a link without a text": [Item.symlink("b", "")],
    "an unknown type": [Item("a", type=b"Z")],
}
TAKEN = {
    "absolute names": [Item("/opt/a", b"1"), Item.hardlink("b", "/opt/a")],
    "the root itself": [Item.directory("/"), Item("a", b"1")],
    "what AUFS left": [Item(".wh..wh.aufs"), Item("a", b"1")],
    "links": [Item("a", b"1"), Item.hardlink("b", "a"), Item.symlink("c", "/nowhere")],
}


def pulls(engine: Any, live: Registry, root: Path) -> bool:
    """Whether the engine can pull the image."""
    import docker.errors

    live.push(root, "org/ffmpeg", root.name)
    name = f"{live.address}/org/ffmpeg:{root.name}"
    try:
        engine.images.pull(name)
    except docker.errors.DockerException:
        return False
    engine.images.remove(name, force=True)
    return True


@pytest.mark.parametrize("name", [*REFUSED, *TAKEN])
def test_entries(judge: Judge, tmp_path: Path, live: Registry, docker_engine: Any, name: str) -> None:
    items = {**REFUSED, **TAKEN}[name]
    root = layout(tmp_path / "entries", one(b"0", "FROM", "gzip"), layer(items, "COPY", compression="gzip"))
    taken = pulls(docker_engine, live, root)
    assert taken is (name in TAKEN)
    assert bool(errors(judge("manifest.layers", root))) is not taken


@pytest.mark.parametrize("kind", ["zstd", "zstd-as-gzip", "gzip"])
def test_the_floor_of_the_engine_at_hand(
    judge: Judge, tmp_path: Path, live: Registry, docker_engine: Any, kind: str
) -> None:
    version = docker_engine.version()["Version"].partition("+")[0]
    built = one(compression=kind[:4])
    if kind == "zstd-as-gzip":
        built = replace(built, media_type="application/vnd.oci.image.layer.v1.tar+gzip")
    root = layout(tmp_path / kind, built)
    refused = errors(judge("manifest.runtime-floor", root, fleet_docker=version))
    assert pulls(docker_engine, live, root) is not bool(refused)
