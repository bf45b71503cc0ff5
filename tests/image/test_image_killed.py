"""A run that is killed at any moment leaves a cache that the next run can use."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from image_helpers import AMD64, write_layout

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image

MOMENTS = 20
READ = """\
import sys
from pathlib import Path
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image
print("ready", flush=True)
open_image(Reference.parse(sys.argv[1]), Platform("linux/amd64"), Opening(Path(sys.argv[2]))).layer_facts
"""


def opened(root: Path, cache: Path) -> Image:
    return open_image(Reference.parse(f"oci:{root}"), AMD64, Opening(cache))


def start(root: Path, cache: Path) -> subprocess.Popen[bytes]:
    """A process that reads the image, begun with it."""
    process = subprocess.Popen([sys.executable, "-c", READ, f"oci:{root}", str(cache)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight layers with many files in each: what is kept of them takes time to write."""

    def one(n: int) -> BuiltLayer:
        return layer([Item(f"d{n}/{i}", b"%d" % i * 50) for i in range(1500)] + [Item(f"big{n}", os.urandom(2**21))])

    return write_layout(tmp_path_factory.mktemp("killed") / "layout", [one(n) for n in range(8)])


def test_killed_at_twenty_moments(root: Path, tmp_path: Path) -> None:
    expected = opened(root, tmp_path / "whole").layer_facts
    begun = time.monotonic()
    assert start(root, tmp_path / "timed").wait() == 0
    whole = time.monotonic() - begun
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    ended = []
    for moment in range(MOMENTS):
        cache = tmp_path / f"cache{moment}"
        process = start(root, cache)
        time.sleep(chance.uniform(0, whole))
        process.send_signal(signal.SIGKILL)
        ended.append(process.wait())
        again = opened(root, cache)
        assert again.layer_facts == expected, f"seed {seed}, moment {moment}"
        assert sorted(node.path for node in again.tree) == sorted(node.path for node in opened(root, cache).tree)
    assert -signal.SIGKILL in ended, f"every run was over before it was killed: {ended}"
