"""`contents.host-libraries`: what the host's driver brings, by soname, and what belongs in an image."""

from __future__ import annotations

import pytest
from layer_images import Judge, judge, messages
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]

FOLDER = "usr/lib/x86_64-linux-gnu"


def library(soname: str) -> bytes:
    return ElfWriter(soname=soname.encode()).write()


def installed(*items: Item) -> BuiltLayer:
    return layer(items, "RUN apt-get install libnvidia-encode-550", compression="none")


@pytest.mark.parametrize(
    ("path", "soname"),
    [
        (f"{FOLDER}/libcuda.so.550.54.14", "libcuda.so.1"),
        (f"{FOLDER}/libnvidia-encode.so.550.54.14", "libnvidia-encode.so.1"),
        (f"{FOLDER}/libnvcuvid.so.1", "libnvcuvid.so.1"),
        ("usr/lib64/libnvidia-ml.so.535.104.05", "libnvidia-ml.so.1"),
        (f"{FOLDER}/nvidia/current/libnvoptix.so.535.183.01", "libnvoptix.so.1"),
        ("opt/libs/libEGL_nvidia.so.550.54.14", "libEGL_nvidia.so.0"),
    ],
)
def test_a_library_of_the_driver_fails(judge: Judge, path: str, soname: str) -> None:
    link = Item.symlink(path.rpartition(".so.")[0] + ".so.9", path.rpartition("/")[2])
    result = judge("contents.host-libraries", [installed(Item(path, library(soname)), link)])
    assert (result.status, result.measured) == (Status.FAILED, 1)
    (finding,) = result.findings
    assert finding.message == f"/{path} is {soname} of the NVIDIA driver, which the host brings"
    assert (finding.severity, finding.evidence, finding.file) == (Severity.ERROR, soname, f"/{path}")
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility,video" in finding.fix


def test_what_a_committed_container_leaves_is_a_warning(judge: Judge) -> None:
    result = judge("contents.host-libraries", [installed(Item(f"{FOLDER}/libcuda.so.470.57.02"))])
    assert result.status is Status.PASSED
    assert [finding.severity for finding in result.findings] == [Severity.WARNING]
    assert "is empty: a library of the NVIDIA driver was mounted there" in messages(result)


def test_what_belongs_in_an_image_passes(judge: Judge) -> None:
    toolkit = "usr/local/cuda-12.4"
    items = [
        Item(f"{toolkit}/targets/x86_64-linux/lib/stubs/libcuda.so", library("libcuda.so.1")),
        Item(f"{toolkit}/targets/x86_64-linux/lib/stubs/libnvidia-ml.so.1", library("libnvidia-ml.so.1")),
        Item(f"{toolkit}/compat/libcuda.so.550.54.14", library("libcuda.so.1")),
        Item(f"{toolkit}/compat/libnvidia-nvvm.so.4.0.0", library("libnvidia-nvvm.so.4")),
        Item(f"{toolkit}/lib64/libcudart.so.12.4.127", library("libcudart.so.12")),
        Item(f"{toolkit}/lib64/libnppig.so.12.2.5.30", library("libnppig.so.12")),
        Item(f"{FOLDER}/libnvidia-container.so.1.15.0", library("libnvidia-container.so.1")),
        Item(f"{FOLDER}/libnvidia-egl-wayland.so.1.1.10", library("libnvidia-egl-wayland.so.1")),
        Item(f"{FOLDER}/libnvidia-egl-gbm.so.1.1.0", library("libnvidia-egl-gbm.so.1")),
        Item.symlink(f"{FOLDER}/libcuda.so.1", "libcuda.so.550.54.14"),
        Item(f"{FOLDER}/libnvidia-encode.so.550.54.14", b"a text of that name\n"),
        Item(f"{FOLDER}/libcuda.so", library("libcuda.so.1")),
        Item(f"{FOLDER}/libnothing.so.1", b""),
    ]
    result = judge("contents.host-libraries", [installed(*items)])
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 0, [])


def test_a_deleted_library_meets_nothing(judge: Judge) -> None:
    layers = [installed(Item("usr/lib/libcuda.so.1", library("libcuda.so.1")))]
    assert judge("contents.host-libraries", layers).status is Status.FAILED
    layers.append(layer([Item("usr/lib/.wh.libcuda.so.1")], "RUN rm"))
    assert judge("contents.host-libraries", layers).status is Status.PASSED


def test_what_the_policy_allows_passes(judge: Judge) -> None:
    layers = [installed(Item("opt/vendor/libcuda.so.1", library("libcuda.so.1")))]
    assert judge("contents.host-libraries", layers, contents_allow=("/opt/vendor/*",)).status is Status.PASSED
