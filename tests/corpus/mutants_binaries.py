"""Faults of programs and of what hardware needs."""

from __future__ import annotations

import real_files
from clean_image import LIBRARIES, LOADER, Parts, ffmpeg_library, ffmpeg_tool, tool
from mutants import fault, near_miss
from mutants_sizes import zeros
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.build import Item

FFMPEG = "usr/bin/ffmpeg"
CODECS = f"{LIBRARIES}/libavcodec.so.60"
DRIVER = f"{LIBRARIES}/dri/i965_drv_video.so"


def ffmpeg(parts: Parts, data: bytes) -> None:
    parts.replace(FFMPEG, Item(FFMPEG, data, mode=0o755))


@fault("binaries.loadable")
def ffmpeg_lacks_a_library(parts: Parts) -> str:
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libx264.so.164")))
    return "libx264.so.164"


@fault("binaries.loadable", also=("hardware.reachable",))
def a_library_lacks_a_library(parts: Parts) -> str:
    parts.replace(f"{LIBRARIES}/libdrm.so.2", None)
    data = ElfWriter(soname=b"libva-drm.so.2", needed=[b"libdrm.so.2", b"libc.so.6"]).write()
    parts.add(Item(f"{LIBRARIES}/libva-drm.so.2", data))
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libva-drm.so.2")))
    return "libdrm.so.2"


@fault("binaries.loadable", also=("hardware.reachable",))
def no_loader(parts: Parts) -> str:
    parts.replace(LOADER[1:], None)
    return "ld-linux"


@fault("binaries.loadable")
def a_newer_glibc(parts: Parts) -> str:
    ffmpeg(parts, ffmpeg_tool(versions={b"libc.so.6": [b"GLIBC_2.99"]}))
    return "GLIBC_2.99"


@near_miss("binaries.loadable")
def found_by_origin(parts: Parts) -> None:
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libown.so.1"), runpath=b"$ORIGIN/../own/lib"))
    parts.add(Item("usr/own/lib/libown.so.1", ElfWriter(soname=b"libown.so.1").write()))


@near_miss("binaries.loadable")
def found_by_the_configuration(parts: Parts) -> None:
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libown.so.1"), versions={b"libc.so.6": [b"GLIBC_2.34"]}))
    parts.add(
        Item("opt/own/lib/libown.so.1", ElfWriter(soname=b"libown.so.1").write()),
        Item("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf\n"),
        Item("etc/ld.so.conf.d/own.conf", b"/opt/own/lib\n"),
    )


@fault("binaries.architecture", also=("config.entrypoint", "binaries.loadable"))
def ffmpeg_for_arm(parts: Parts) -> str:
    ffmpeg(parts, ElfWriter(machine=183, interpreter=b"/lib/ld-linux-aarch64.so.1").write())
    return "ffmpeg"


@fault("binaries.architecture", also=("config.entrypoint", "binaries.loadable"))
def an_entry_point_for_riscv(parts: Parts) -> str:
    parts.add(Item("app/start", ElfWriter(machine=243).write(), mode=0o755))
    parts.config["Entrypoint"] = ["/app/start"]
    return "app/start"


@near_miss("binaries.architecture")
def programs_for_others_that_nothing_starts(parts: Parts) -> None:
    parts.add(
        Item(parts.place("node_modules/tool/linux-arm64/tool"), ElfWriter(machine=183).write(), mode=0o755),
        Item(parts.place("filter.bpf.o"), ElfWriter(machine=247, kind=1).write()),
    )


@fault("binaries.duplicates")
def two_versions_in_one_program(parts: Parts) -> str:
    parts.add(
        Item(f"{LIBRARIES}/libx265.so.199", ElfWriter(soname=b"libx265.so.199").write()),
        Item(f"{LIBRARIES}/libx265.so.209", ElfWriter(soname=b"libx265.so.209").write()),
    )
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libx265.so.199", b"libx265.so.209")))
    return "libx265"


@fault("binaries.duplicates")
def equal_files(parts: Parts) -> str:
    data = zeros(parts, 12_000_000)
    parts.add(Item(first := parts.place("a/table.bin"), data))
    parts.add(Item(parts.place("b/table.bin"), data))
    return first.rsplit("/", 1)[1]


@near_miss("binaries.duplicates")
def links_and_versions_apart(parts: Parts) -> None:
    path = parts.place("table.bin")
    parts.top(
        Item(path, zeros(parts, 12_000_000)), Item.hardlink(f"{path}.2", path), Item.symlink(f"{path}.3", "table.bin")
    )
    parts.add(
        Item(f"{LIBRARIES}/libx265.so.199", ElfWriter(soname=b"libx265.so.199").write()),
        Item(f"{LIBRARIES}/libx265.so.209", ElfWriter(soname=b"libx265.so.209").write()),
    )


@fault("binaries.isa")
def ffmpeg_for_v3(parts: Parts) -> str:
    ffmpeg(parts, ffmpeg_tool(isa=4))
    return "ffmpeg"


@fault("binaries.isa")
def a_library_for_v4(parts: Parts) -> str:
    parts.add(Item(f"{LIBRARIES}/libfast.so.1", ElfWriter(soname=b"libfast.so.1", isa=8).write()))
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libfast.so.1")))
    return "libfast"


@near_miss("binaries.isa")
def levels_that_the_loader_chooses(parts: Parts) -> None:
    fast = ElfWriter(soname=b"libfast.so.1", isa=8).write()
    parts.add(
        Item(f"{LIBRARIES}/glibc-hwcaps/x86-64-v4/libfast.so.1", fast),
        Item(f"{LIBRARIES}/libfast.so.1", ElfWriter(soname=b"libfast.so.1", isa=2).write()),
        Item(parts.place("unused"), tool(isa=8), mode=0o755),
    )
    ffmpeg(parts, ffmpeg_tool(needed=(b"libavcodec.so.60", b"libfast.so.1"), isa=2))


@fault("hardware.reachable")
def no_driver_of_vaapi(parts: Parts) -> str:
    parts.replace(DRIVER, None)
    return "_drv_video.so"


@fault("hardware.reachable")
def no_nvenc_compiled_in(parts: Parts) -> str:
    parts.replace(CODECS, Item(CODECS, ffmpeg_library(names=b"\0h264_vaapi\0")))
    return "nvenc"


@fault("hardware.reachable")
def a_driver_without_its_library(parts: Parts) -> str:
    parts.replace(f"{LIBRARIES}/libdrm_intel.so.1", None)
    return "libdrm_intel.so.1"


@near_miss("hardware.reachable")
def a_driver_in_another_place(parts: Parts) -> None:
    parts.replace(DRIVER, None)
    parts.add(Item("opt/va/i965_drv_video.so", real_files.library("i965_drv_video.so")))
    parts.set_env("LIBVA_DRIVERS_PATH", "/opt/va")


@fault("hardware.driver-floor")
def headers_that_are_too_new(parts: Parts) -> str:
    parts.replace(CODECS, Item(CODECS, ffmpeg_library(b"570.0")))
    return "570.0"


@fault("hardware.driver-floor")
def cuda_that_is_too_new(parts: Parts) -> str:
    parts.set_env("NVIDIA_REQUIRE_CUDA", "cuda>=12.4")
    return "12.4"


@near_miss("hardware.driver-floor")
def alternatives_that_hold(parts: Parts) -> None:
    parts.set_env("NVIDIA_REQUIRE_CUDA", "cuda>=12.4 driver>=535,driver<536 driver>=470,driver<471")
    parts.replace(CODECS, Item(CODECS, ffmpeg_library(b"530.41.03")))
