"""The files that tell a loader where to look are kept; what has a similar name isn't."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from image_helpers import make_image
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.analysers import elf, loader_config
from pytest_mediaimage.image.build import Item


@pytest.mark.parametrize("path", ["etc/ld.so.conf", "etc/ld.so.conf.d/nvidia.conf", "etc/ld-musl-x86_64.path"])
def test_the_text_is_kept(tmp_path: Path, path: str) -> None:
    image = make_image(tmp_path / "i", [[Item(path, b"/opt/lib\n")]], analysers=[loader_config.LoaderConfigs()])
    assert image.layer_facts[0].found == {"loader-config": {0: "/opt/lib\n"}}


def test_of_the_cache_the_directories_are_kept(tmp_path: Path) -> None:
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if ldconfig is None:
        pytest.skip("no ldconfig on this machine")
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "libfoo.so.1").write_bytes(ElfWriter(soname=b"libfoo.so.1", needed=[b"libc.so.6"]).write())
    cache = tmp_path / "cache"
    subprocess.run([ldconfig, "-C", cache, "-f", "/dev/null", "-X", folder], check=True, timeout=60)
    items = [Item("etc/ld.so.cache", cache)]
    image = make_image(tmp_path / "i", [items], analysers=[loader_config.LoaderConfigs()])
    found = image.layer_facts[0].found["loader-config"][0].splitlines()
    assert str(folder) in found
    assert all(Path(one).is_dir() for one in found)


@pytest.mark.parametrize(
    ("path", "length"),
    [
        ("etc/ld.so.cache", 2_000_000),
        ("etc/ld.so.conf.d/README", 9),
        ("usr/share/doc/etc/ld.so.conf", 9),
        ("etc/ldap/ldap.conf", 9),
        ("etc/ld.so.conf", 70_000),
    ],
)
def test_others_are_not(tmp_path: Path, path: str, length: int) -> None:
    image = make_image(tmp_path / "i", [[Item(path, b"/" * length)]], analysers=[loader_config.LoaderConfigs()])
    assert image.layer_facts[0].found == {}


def test_a_va_api_driver_s_version_is_the_least_of_its_functions_and_only_a_driver_has_one(tmp_path: Path) -> None:
    names = [b"__vaDriverInit_1_22", b"__vaDriverInit_1_8", b"__vaDriverInit_1_x"]
    data = ElfWriter(symbols=names).write()
    items = [Item("dri/iHD_drv_video.so", data), Item("dri/libigdgmm.so.12", data)]
    image = make_image(tmp_path / "i", [items], analysers=[elf.ElfFiles()])
    facts = image.layer_facts[0].found["elf"]
    assert facts[0]["va_driver"] == "1.8"
    assert "va_driver" not in facts[1]


def test_weak_versions_are_left_out(tmp_path: Path) -> None:
    data = ElfWriter(versions={b"libc.so.6": [b"A_1", b"A_2"]}, weak=[b"A_2"]).write()
    image = make_image(tmp_path / "i", [[Item("a", data)]], analysers=[elf.ElfFiles()])
    assert image.layer_facts[0].found["elf"][0]["needed_versions"] == {"libc.so.6": ["A_1"]}
