"""`binaries.loadable`: what misses is named with its chain, and what the loader does find is no finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from binary_images import ARM64, GLIBC, LIB, MUSL, glibc, image, judge, library, musl, program, told, tool
from mending import assert_one_is_gone_and_nothing_new

from pytest_mediaimage.image.build import Item

__all__ = ["image"]

CHECK = "binaries.loadable"


def main(data: bytes, path: str = "app/main") -> Item:
    return Item(path, data, mode=0o755)


def test_a_program_with_all_its_libraries_passes_and_says_how_many_files_were_looked_at(image: Path) -> None:
    items = [*glibc(), main(program(b"libfoo.so.1", b"libc.so.6")), Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1"))]
    result = judge(image, CHECK, items)
    assert (str(result.status), result.findings, result.measured) == ("passed", [], 4)


def test_a_missing_library_is_named_with_the_chain_and_the_package(image: Path) -> None:
    items = [
        *glibc(),
        main(program(b"libfoo.so.1")),
        Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1", b"libx264.so.164")),
    ]
    result = judge(image, CHECK, items)
    assert told(result) == [("error", "/app/main -> libfoo.so.1 -> libx264.so.164, which the loader doesn't find")]
    (finding,) = result.findings
    assert finding.file == f"/{LIB}/libfoo.so.1"
    assert finding.created_by == "COPY . /"
    assert "apt-get install --no-install-recommends libx264-164" in finding.fix


def test_a_library_that_is_brought_leaves_no_new_finding(image: Path) -> None:
    names = [b"lib%02d.so.1" % number for number in range(25)]
    there = Item(f"{LIB}/lib00.so.1", library(b"lib00.so.1"))
    before, after = (judge(image, CHECK, [*glibc(), main(program(*names)), *brought]) for brought in ([], [there]))
    assert_one_is_gone_and_nothing_new(before, after)


def test_on_alpine_the_remedy_is_apk(image: Path) -> None:
    result = judge(image, CHECK, [*musl(), main(program(b"libva.so.2", interpreter=MUSL))])
    assert "apk add so:libva.so.2" in result.findings[0].fix


def test_a_library_in_a_directory_that_the_loader_doesn_t_know_is_found_for_the_message(image: Path) -> None:
    items = [*glibc(), main(program(b"libfoo.so.1")), Item("opt/foo/lib/libfoo.so.1", library(b"libfoo.so.1"))]
    (finding,) = judge(image, CHECK, items).findings
    assert "it lies in /opt/foo/lib" in finding.message
    assert "/etc/ld.so.conf.d" in finding.fix


@pytest.mark.parametrize(
    ("more", "env"),
    [
        ([Item("etc/ld.so.cache", b"glibc-ld.so.cache1.1\0\0libfoo.so.1\0/opt/foo/lib/libfoo.so.1\0")], []),
        ([], ["LD_LIBRARY_PATH=/nowhere:/opt/foo/lib"]),
        ([Item("etc/ld.so.conf", b"# first\ninclude ld.so.conf.d/*.conf\n"),
          Item("etc/ld.so.conf.d/foo.conf", b"/opt/foo/lib # ours\n")], []),
        ([Item("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf"),
          Item("etc/ld.so.conf.d/a.conf", b"/opt/bar:/opt/foo/lib\n/opt/foo/lib")], []),
        ([Item.symlink(f"{LIB}/libfoo.so.1", "/opt/foo/lib/libfoo.so.1")], []),
    ],
    ids=["cache", "environment", "configuration", "configuration-absolute", "link"],
)  # fmt: skip
def test_every_way_to_a_library_is_known(image: Path, more: list[Item], env: list[str]) -> None:
    items = [*glibc(), main(program(b"libfoo.so.1")), Item("opt/foo/lib/libfoo.so.1", library(b"libfoo.so.1")), *more]
    assert judge(image, CHECK, items, config={"Env": env}).findings == []


@pytest.mark.parametrize("path", [b"$ORIGIN/../lib", b"/nowhere:${ORIGIN}/../lib", b"/app/$LIB"])
@pytest.mark.parametrize("way", ["rpath", "runpath"])
def test_search_paths_of_the_program_itself_are_followed(image: Path, path: bytes, way: str) -> None:
    program_ = program(b"libfoo.so.1", **{way: path})
    items = [*glibc(), main(program_, "app/bin/main"), Item("app/lib/libfoo.so.1", library(b"libfoo.so.1"))]
    items.append(Item.symlink("usr/bin/main", "/app/bin/main"))
    assert judge(image, CHECK, items, config={"Entrypoint": ["main"]}).findings == []


def test_rpath_is_inherited_by_libraries_and_runpath_is_not(image: Path) -> None:
    libraries = [
        Item("app/lib/libfoo.so.1", library(b"libfoo.so.1", b"libbar.so.2")),
        Item("app/lib/libbar.so.2", library(b"libbar.so.2")),
    ]
    inherited = judge(image, CHECK, [*glibc(), main(program(b"libfoo.so.1", rpath=b"/app/lib")), *libraries])
    assert inherited.findings == []
    not_inherited = judge(image, CHECK, [*glibc(), main(program(b"libfoo.so.1", runpath=b"/app/lib")), *libraries])
    assert [finding.evidence for finding in not_inherited.findings] == ["needs libbar.so.2"]


def test_a_library_that_was_loaded_before_is_there_for_whoever_asks_next(image: Path) -> None:
    """A plugin's dependency without a search path of its own: the program has loaded it."""
    items = [
        *glibc(),
        main(program(b"libbar.so.2", b"libfoo.so.1", runpath=b"/app/lib")),
        Item("app/lib/libfoo.so.1", library(b"libfoo.so.1", b"libbar.so.2")),
        Item("app/lib/libbar.so.2", library(b"libbar.so.2")),
    ]
    assert judge(image, CHECK, items).findings == []


def test_a_missing_loader_fails_and_on_alpine_the_remedy_is_a_musl_build(image: Path) -> None:
    result = judge(image, CHECK, [*musl(), main(program(b"libc.so.6"))])
    assert told(result) == [("error", f"/app/main needs the loader {GLIBC.decode()}, which isn't in the image")]
    assert "apk add gcompat" in result.findings[0].fix


def test_gcompat_in_alpine_is_accepted(image: Path) -> None:
    shim = [
        Item("lib/libgcompat.so.0", library(b"libgcompat.so.0")),
        Item.symlink("lib64/ld-linux-x86-64.so.2", "/lib/libgcompat.so.0"),
    ]
    elf = program(b"libc.so.6", b"libm.so.6", versions={b"libc.so.6": [b"GLIBC_2.38"]})
    assert judge(image, CHECK, [*musl(), *shim, main(elf)]).findings == []


def test_a_symbol_version_that_the_base_image_s_glibc_lacks_fails(image: Path) -> None:
    elf = program(b"libc.so.6", versions={b"libc.so.6": [b"GLIBC_2.2.5", b"GLIBC_2.38"]})
    result = judge(image, CHECK, [*glibc(), main(elf)])
    assert told(result) == [("error", f"/app/main needs GLIBC_2.38, which /{LIB}/libc.so.6 doesn't have")]


def test_a_weak_version_and_a_library_without_versions_only_get_a_warning_of_the_loader_s(image: Path) -> None:
    elf = program(
        b"libc.so.6",
        b"libfoo.so.1",
        versions={b"libc.so.6": [b"GLIBC_2.2.5", b"GLIBC_2.38"], b"libfoo.so.1": [b"FOO_2"]},
        weak=[b"GLIBC_2.38"],
    )
    assert (
        judge(image, CHECK, [*glibc(), main(elf), Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1"))]).findings == []
    )


def test_a_library_made_for_glibc_in_a_musl_program_is_a_warning(image: Path) -> None:
    foreign = library(b"libfoo.so.1", b"libc.so.6", versions={b"libc.so.6": [b"GLIBC_2.2.5"]})
    items = [*musl(), main(program(b"libfoo.so.1", interpreter=MUSL)), Item("usr/lib/libfoo.so.1", foreign)]
    assert told(judge(image, CHECK, items)) == [
        ("warning", "/app/main -> libfoo.so.1 was built for glibc, and the program runs on musl")
    ]


def test_musl_s_own_path_file_replaces_its_default(image: Path) -> None:
    items = [
        *musl(),
        main(program(b"libfoo.so.1", interpreter=MUSL)),
        Item("usr/lib/libfoo.so.1", library(b"libfoo.so.1")),
    ]
    assert judge(image, CHECK, items).findings == []
    assert judge(image, CHECK, [*items, Item("etc/ld-musl-x86_64.path", b"/opt/lib\n/lib")]).findings != []


def test_a_library_for_another_machine_is_passed_over(image: Path) -> None:
    items = [
        *glibc(),
        main(program(b"libfoo.so.1")),
        Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1", machine=ARM64)),
    ]
    (finding,) = judge(image, CHECK, items).findings
    assert f"libfoo.so.1, which /{LIB}/libfoo.so.1 holds for arm64 only" in finding.message
    right = Item("usr/lib/libfoo.so.1", library(b"libfoo.so.1"))
    assert judge(image, CHECK, [*items, right]).findings == []


def test_a_library_that_the_host_injects_is_a_note_and_none_where_a_hardware_path_is_promised(image: Path) -> None:
    """OpenCV with CUDA, PyAV with NVENC: the container toolkit mounts it."""
    items = [*glibc(), main(program(b"libcuda.so.1"))]
    assert [severity for severity, _ in told(judge(image, CHECK, items))] == ["note"]
    assert judge(image, CHECK, items, transcode_paths={"nvenc": "if-present"}).findings == []


def test_what_merely_looks_like_a_host_library_is_an_error(image: Path) -> None:
    items = [*glibc(), main(program(b"libcudart.so.12"))]
    assert [severity for severity, _ in told(judge(image, CHECK, items, transcode_paths={"nvenc": "required"}))] == [
        "error"
    ]


def test_a_tool_that_nothing_starts_is_a_warning_and_a_plugin_isn_t_followed(image: Path) -> None:
    items = [
        *glibc(),
        main(program(b"libc.so.6")),
        main(program(b"libX11.so.6"), "usr/bin/xterm"),
        Item("usr/lib/python3/dist-packages/cv2/cv2.abi3.so", library(b"cv2.abi3.so", b"libGL.so.1")),
    ]
    assert told(judge(image, CHECK, items)) == [
        ("warning", "/usr/bin/xterm -> libX11.so.6, which the loader doesn't find")
    ]


BROKEN = tool(program())
"""An ffmpeg that needs glibc's loader."""
STATIC = tool(program(interpreter=b""))


def wrapper(real: str) -> Item:
    return main(f'#!/usr/bin/sh\nexec {real} "$@"\n'.encode(), "usr/bin/ffmpeg")


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ([wrapper("/opt/ffmpeg.real")], "error"),
        ([wrapper("/opt/link"), Item.symlink("opt/link", "ffmpeg.real")], "error"),
        ([wrapper("$HOME/ffmpeg")], "error"),
        ([wrapper("/opt/ffmpeg.real"), main(STATIC, "opt/other/ffmpeg")], "error"),
        ([main(STATIC, "usr/bin/ffmpeg")], "warning"),
        ([wrapper("/opt/other/ffmpeg"), main(STATIC, "opt/other/ffmpeg")], "warning"),
    ],
    ids=["called", "called by a link", "the only one", "called, with a spare", "a spare one", "another is called"],
)
def test_a_tool_beside_a_wrapper_is_an_error_where_it_is_meant(image: Path, more: list[Item], severity: str) -> None:
    shell = main(program(interpreter=b""), "usr/bin/sh")
    items = [shell, *more, main(BROKEN, "opt/ffmpeg.real")]
    result = judge(image, CHECK, items, config={"Entrypoint": ["ffmpeg"], "Env": ["PATH=/usr/bin"]})
    lacking = "/opt/ffmpeg.real needs the loader /lib64/ld-linux-x86-64.so.2, which isn't in the image"
    assert told(result) == [(severity, lacking)]


@pytest.mark.parametrize(
    "items",
    [
        [main(BROKEN, "app/tests/fixtures/ffmpeg.real")],
        [main(tool(program(machine=ARM64)), "opt/arm64/ffmpeg.real")],
        [main(BROKEN, "opt/root/usr/ffmpeg.real"), Item("opt/root/lib64/ld-linux-x86-64.so.2", library(b"ld"))],
    ],
    ids=["among tests", "another processor's", "below a root of its own"],
)
def test_a_tool_that_nobody_starts_as_it_lies_stays_a_warning(image: Path, items: list[Item]) -> None:
    shell = main(program(interpreter=b""), "usr/bin/sh")
    (finding,) = told(judge(image, CHECK, [shell, wrapper("$REAL"), *items], config={"Entrypoint": ["ffmpeg"]}))
    assert finding[0] == "warning"


def test_ffmpeg_on_the_path_is_judged_though_the_entry_point_is_another(image: Path) -> None:
    items = [*glibc(), main(program(b"libc.so.6")), main(program(b"libavcodec.so.61"), "usr/bin/ffmpeg")]
    assert [severity for severity, _ in told(judge(image, CHECK, items))] == ["error"]


def test_what_a_shell_is_told_to_run_counts(image: Path) -> None:
    items = [*glibc(), main(program(), "usr/bin/sh"), main(program(b"libgone.so.1"), "usr/local/bin/encode")]
    config = {"Entrypoint": None, "Cmd": ["/usr/bin/sh", "-c", "exec encode --fast"]}
    assert [severity for severity, _ in told(judge(image, CHECK, items, config=config))] == ["error"]


@pytest.mark.parametrize(("line", "lacks"), [(b"#!/bin/bash -e", "/bin/bash"), (b"#!/usr/bin/env python3", "python3")])
def test_a_script_without_its_interpreter_fails(image: Path, line: bytes, lacks: str) -> None:
    items = [*glibc(), main(line + b"\nrun\n"), main(program(), "usr/bin/env"), main(program(), "usr/bin/sh")]
    assert told(judge(image, CHECK, items)) == [
        ("error", f"/app/main (the entry point) is a script for {lacks}, which isn't in the image")
    ]
    whole = [
        *items,
        main(program(), "usr/bin/bash"),
        Item.symlink("bin", "usr/bin"),
        main(program(), "usr/bin/python3"),
    ]
    assert judge(image, CHECK, whole).findings == []


def test_a_loader_of_nix_looks_only_in_its_own_store(image: Path) -> None:
    loader = b"/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2"
    store = [
        Item(loader.decode().strip("/"), library(b"ld-linux-x86-64.so.2", defines=[b"GLIBC_2.2.5"]), mode=0o755),
        Item("nix/store/abc-glibc-2.40/lib/libc.so.6", library(b"libc.so.6", defines=[b"GLIBC_2.2.5"])),
        Item("nix/store/xyz-foo/lib/libfoo.so.1", library(b"libfoo.so.1")),
        Item("usr/lib/libbar.so.1", library(b"libbar.so.1")),
    ]
    good = main(program(b"libfoo.so.1", b"libc.so.6", interpreter=loader, runpath=b"/nix/store/xyz-foo/lib"))
    assert judge(image, CHECK, [*store, good]).findings == []
    assert len(judge(image, CHECK, [*store, main(program(b"libbar.so.1", interpreter=loader))]).findings) == 1


def test_a_static_program_in_an_empty_image_passes(image: Path) -> None:
    result = judge(image, CHECK, [main(tool(program(interpreter=b"")))])
    assert (str(result.status), result.findings) == ("passed", [])


def test_an_image_that_starts_nothing_is_skipped(image: Path) -> None:
    result = judge(image, CHECK, [Item("etc/passwd", b"x")], config={"Entrypoint": None})
    assert str(result.status) == "skipped"


def test_one_missing_library_is_told_once_for_all_programs(image: Path) -> None:
    items = [
        *glibc(),
        main(program(b"libfoo.so.1")),
        Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1", b"libgone.so.3")),
    ]
    items += [main(program(b"libfoo.so.1"), f"usr/bin/{name}") for name in ("ffmpeg", "ffprobe")]
    (finding,) = judge(image, CHECK, items).findings
    assert "; 2 more programs need it too" in finding.message
