"""`hardware.reachable`: each part that a promised path needs, taken away once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from binary_images import ARM64, LIB, MUSL, glibc, image, judge, library, musl, program, told, tool

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Result

__all__ = ["image"]

CHECK = "hardware.reachable"
ALL = (b"h264_nvenc", b"h264_cuvid", b"h264_vaapi", b"h264_qsv", b"scale_vulkan")


def ffmpeg(*needed: bytes, hardware: tuple[bytes, ...] = ALL, **more: Any) -> Item:
    configuration = more.pop("configuration", b"--enable-gpl")
    return Item("usr/bin/ffmpeg", tool(program(*needed, **more), *hardware, configuration=configuration), mode=0o755)


def libva(minor: int = 17) -> list[Item]:
    name = f"libva.so.2.{minor}00.0"
    return [Item(f"{LIB}/{name}", library(b"libva.so.2")), Item.symlink(f"{LIB}/libva.so.2", name)]


def driver(name: str = "radeonsi", minor: int = 17, folder: str = f"{LIB}/dri") -> Item:
    data = library(b"", symbols=[b"__vaDriverInit_1_%d" % minor])
    return Item(f"{folder}/{name}_drv_video.so", data)


def run(
    image: Path, items: list[Item], *paths: str, how: str = "required", env: tuple[str, ...] = (), **more: Any
) -> Result:
    config = {"Entrypoint": ["ffmpeg"], "Env": ["PATH=/usr/bin", *env]}
    promised = {"cpu": "if-present", **dict.fromkeys(paths, how)}
    return judge(image, CHECK, items, config=config, transcode_paths=promised, **more)


def test_what_ffmpeg_was_built_with_is_no_promise(image: Path) -> None:
    result = run(image, [*glibc(), ffmpeg(interpreter=b"", configuration=b"--enable-nvenc --enable-vaapi")])
    assert (str(result.status), result.measured) == ("skipped", "nvenc, nvdec, vaapi, qsv, vulkan")
    assert "transcode.paths" in result.reason


@pytest.mark.parametrize("path", ["nvenc", "nvdec", "vaapi", "qsv", "vulkan"])
@pytest.mark.parametrize("how", ["required", "if-present"])
def test_a_static_ffmpeg_can_t_load_any_driver(image: Path, path: str, how: str) -> None:
    result = run(image, [ffmpeg(interpreter=b"")], path, how=how)
    assert told(result) == [
        ("error", f"/usr/bin/ffmpeg is linked statically: it can't load the driver that {path} needs")
    ]


@pytest.mark.parametrize("path", ["nvenc", "nvdec", "vaapi", "qsv", "vulkan"])
def test_a_build_without_the_path_fails(image: Path, path: str) -> None:
    (finding,) = run(image, [*glibc(), ffmpeg(hardware=())], path).findings
    assert f"has nothing for {path}" in finding.message
    assert finding.evidence == f"built without {path}"


def test_a_build_that_switched_it_off_says_so(image: Path) -> None:
    (finding,) = run(image, [*glibc(), ffmpeg(hardware=(), configuration=b"--disable-ffnvcodec")], "nvenc").findings
    assert "configured with --disable-ffnvcodec" in finding.message


def test_the_path_may_lie_in_a_shared_libavcodec(image: Path) -> None:
    texts = b"\0libavcodec license: GPL version 2 or later\0\0FFmpeg version 7.1\0\0h264_nvenc\0"
    shared = (library(b"libavcodec.so.61") + texts).ljust(70_000, b"\0")
    items = [*glibc(), ffmpeg(b"libavcodec.so.61", hardware=()), Item(f"{LIB}/libavcodec.so.61", shared)]
    assert run(image, items, "nvenc").findings == []


def test_nvidia_needs_nothing_in_a_glibc_image_and_can_t_work_on_musl(image: Path) -> None:
    assert run(image, [*glibc(), ffmpeg()], "nvenc", "nvdec").findings == []
    result = run(image, [*musl(), ffmpeg(interpreter=MUSL)], "nvenc")
    assert [(severity, "made for glibc" in message) for severity, message in told(result)] == [("error", True)]


def test_vaapi_without_a_driver_fails_and_names_the_package(image: Path) -> None:
    (finding,) = run(image, [*glibc(), *libva(), ffmpeg(b"libva.so.2")], "vaapi").findings
    assert "no driver of VA-API (*_drv_video.so) is in" in finding.message
    assert "mesa-va-drivers" in finding.fix


@pytest.mark.parametrize(
    ("item", "env"),
    [
        (driver("iHD"), ()),
        (driver("radeonsi", folder="usr/lib/dri"), ()),
        (driver("iHD", folder="opt/va"), ("LIBVA_DRIVERS_PATH=/nowhere:/opt/va",)),
        (driver("hybrid"), ("LIBVA_DRIVER_NAME=hybrid",)),
    ],
    ids=["debian", "alpine", "path", "name"],
)
def test_vaapi_with_a_driver_where_libva_looks_passes(image: Path, item: Item, env: tuple[str, ...]) -> None:
    assert run(image, [*glibc(), *libva(), ffmpeg(b"libva.so.2"), item], "vaapi", env=env).findings == []


def test_a_driver_elsewhere_is_a_warning(image: Path) -> None:
    items = [*glibc(), *libva(), ffmpeg(b"libva.so.2")]
    elsewhere = run(image, [*items, driver(folder="opt/va")], "vaapi")
    assert told(elsewhere) == [("warning", "drivers of VA-API lie in /opt/va only, where libva mostly doesn't look")]


@pytest.mark.parametrize("env", ["LIBVA_DRIVER_NAME=iHD", "LIBVA_DRIVERS_PATH=/nowhere"])
def test_a_variable_that_misses_the_driver_is_left_to_another_check(image: Path, env: str) -> None:
    items = [*glibc(), *libva(), ffmpeg(b"libva.so.2"), driver("radeonsi")]
    assert run(image, items, "vaapi", env=(env,)).findings == []


def test_a_driver_newer_than_libva_fails_and_an_older_one_passes(image: Path) -> None:
    def judged(minor: int) -> Result:
        return run(image, [*glibc(), *libva(17), ffmpeg(b"libva.so.2"), driver(minor=minor)], "vaapi")

    assert judged(10).findings == judged(17).findings == []
    assert told(judged(22)) == [
        (
            "error",
            f"/{LIB}/dri/radeonsi_drv_video.so asks for VA-API 1.22, /{LIB}/libva.so.2.1700.0 gives 1.17: "
            "libva refuses to load it",
        )
    ]


def test_a_driver_that_misses_a_library_fails_unless_another_one_is_whole(image: Path) -> None:
    broken = Item(f"{LIB}/dri/iHD_drv_video.so", library(b"iHD_drv_video.so", b"libigdgmm.so.12", b"libva.so.2"))
    items = [*glibc(), *libva(), ffmpeg(b"libva.so.2"), broken]
    assert told(run(image, items, "vaapi")) == [
        ("error", f"/{LIB}/dri/iHD_drv_video.so can't be loaded: libigdgmm.so.12 isn't found")
    ]
    assert [severity for severity, _ in told(run(image, [*items, driver()], "vaapi"))] == ["warning"]
    whole = Item(f"{LIB}/libigdgmm.so.12", library(b"libigdgmm.so.12"))
    assert run(image, [*items, whole], "vaapi").findings == []


def test_quick_sync_needs_its_runtime_and_intel_s_driver(image: Path) -> None:
    items = [*glibc(), ffmpeg(b"libvpl.so.2"), Item(f"{LIB}/libvpl.so.2", library(b"libvpl.so.2"))]
    assert [finding.evidence for finding in run(image, items, "qsv").findings] == [
        "no Quick Sync runtime",
        "no iHD driver",
    ]
    runtime = Item(f"{LIB}/libmfx-gen.so.1.2", library(b"libmfx-gen.so.1.2"))
    assert run(image, [*items, runtime, driver("iHD")], "qsv").findings == []
    assert [one.evidence for one in run(image, [*items, runtime, driver("radeonsi")], "qsv").findings] == [
        "no iHD driver"
    ]


def test_quick_sync_if_present_promises_nothing_on_arm(image: Path) -> None:
    items = [ffmpeg(hardware=(), machine=ARM64)]
    assert run(image, items, "qsv", how="if-present", platform="linux/arm64").findings == []


def test_vulkan_needs_its_loader_and_a_driver_that_nvidia_s_host_may_inject(image: Path) -> None:
    items = [*glibc(), ffmpeg()]
    assert [(str(one.severity), one.evidence) for one in run(image, items, "vulkan").findings] == [
        ("error", "no Vulkan loader"),
        ("warning", "no Vulkan driver"),
    ]
    loader = Item(f"{LIB}/libvulkan.so.1", library(b"libvulkan.so.1"))
    assert run(image, [*items, loader, Item("usr/share/vulkan/icd.d/radeon_icd.json", b"{}")], "vulkan").findings == []
    assert run(image, [*items, loader], "vulkan", env=("NVIDIA_VISIBLE_DEVICES=all",)).findings == []


def test_an_image_without_ffmpeg_is_skipped(image: Path) -> None:
    assert str(run(image, [Item("etc/passwd", b"x")], "nvenc").status) == "skipped"
