"""Files with holes, as GNU tar writes them in each of its formats."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from image_helpers import make_image

from pytest_mediaimage.image.build import Item

if (TAR := shutil.which("tar")) is None or "GNU tar" not in subprocess.check_output([TAR, "--version"], text=True):
    pytest.skip("these archives are made with GNU tar", allow_module_level=True)

FORMATS = {
    "old-gnu": ["--format=gnu"],
    "pax-0.0": ["--format=posix", "--sparse-version=0.0"],
    "pax-0.1": ["--format=posix", "--sparse-version=0.1"],
    "pax-1.0": ["--format=posix", "--sparse-version=1.0"],
}
K = 1024
# (offset, length) of what isn't a hole, and the length of the whole file.
LAYOUTS: dict[str, tuple[list[tuple[int, int]], int]] = {
    "hole-first": ([(64 * K, 512)], 64 * K + 512),
    "hole-last": ([(0, 1000)], 200 * K),
    "hole-only": ([], 300 * K),
    "odd-ends": ([(0, 3), (40 * K + 7, 2), (90 * K - 1, 1)], 90 * K),
    "many": ([(n * 16 * K, 700 + n) for n in range(60)], 1000 * K),  # more than one extended header holds
    "no-hole": ([(0, 20 * K)], 20 * K),
}


def write_sparse(path: Path, name: str) -> bytes:
    extents, length = LAYOUTS[name]
    with path.open("wb") as file:
        for number, (offset, count) in enumerate(extents):
            file.seek(offset)
            file.write(bytes([65 + number % 26]) * count)
        file.truncate(length)
    return path.read_bytes()


def tar(folder: Path, *options: str) -> bytes:
    argv = [str(TAR), "--create", "--sparse", *options, "-C", str(folder), "."]
    return subprocess.run(argv, check=True, capture_output=True).stdout


@pytest.mark.parametrize("format", FORMATS)
def test_contents(format: str, tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "root"
    source.mkdir()
    root.mkdir()
    contents = {name: write_sparse(source / name, name) for name in LAYOUTS}
    (source / ("long-name-" * 15)).write_bytes(b"behind the sparse files" + bytes(100))
    data = tar(source, *FORMATS[format])
    if len(data) > 400 * K:
        pytest.skip("this file system keeps no holes")
    image = make_image(tmp_path / "layout", [data])
    sizes = {file.path[1:]: file.size for file in image.files if file.type == "file"}
    assert sizes == {**{name: length for name, (_, length) in LAYOUTS.items()}, "long-name-" * 15: 123}
    image.unpack(root)
    for name, content in contents.items():
        assert image.open(name).read() == content, name
        assert (root / name).read_bytes() == content, name
    assert (root / ("long-name-" * 15)).read_bytes().startswith(b"behind")
    assert image.unpacked_size == sum(length for _, length in LAYOUTS.values()) + 123


@pytest.mark.parametrize("format", FORMATS)
def test_huge_hole_takes_no_memory(format: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "huge").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"end")
    data = tar(source, *FORMATS[format])
    if len(data) > 1 << 20:
        pytest.skip("this file system keeps no holes")
    image = make_image(tmp_path / "layout", [data])
    tracemalloc.start()
    try:
        with image.open("huge") as file:
            file.seek(1 << 30)
            assert file.read() == b"end"
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_an_ordinary_file_named_like_a_map(tmp_path: Path) -> None:
    image = make_image(tmp_path / "layout", [[Item("GNUSparseFile.0/f", b"1\n0\n1\n")]])
    assert image.open("GNUSparseFile.0/f").read() == b"1\n0\n1\n"
