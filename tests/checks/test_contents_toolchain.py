"""`contents.toolchain`: compilers and their weight, and what every Python and Node image has."""

from __future__ import annotations

import pytest
from layer_images import MB, Judge, judge, messages
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]


def program(length: int = 2 * MB) -> bytes:
    return ElfWriter(interpreter=b"/lib64/ld-linux-x86-64.so.2").write().ljust(length, b"\0")


def installed(*items: Item) -> BuiltLayer:
    return layer(items, "RUN apt-get install build-essential", compression="zstd")


GCC = "usr/lib/gcc/x86_64-linux-gnu/12"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("usr/bin/x86_64-linux-gnu-gcc-12", "GCC"),
        ("usr/bin/x86_64-alpine-linux-musl-g++", "GCC"),
        ("usr/bin/x86_64-linux-gnu-ld.bfd", "GNU binutils"),
        ("usr/bin/as", "GNU binutils"),
        ("usr/lib/llvm-16/bin/clang", "LLVM"),
        ("usr/bin/clang-18", "LLVM"),
        ("usr/local/rustup/toolchains/1.82-x86_64-unknown-linux-gnu/bin/rustc", "Rust"),
        ("usr/local/go/pkg/tool/linux_amd64/compile", "Go"),
        ("usr/bin/nasm", "an assembler"),
        ("usr/local/cuda-12.4/bin/nvcc", "CUDA's compiler"),
        ("opt/cmake/bin/cmake", "CMake or Ninja"),
    ],
)
def test_a_compiler_is_a_warning(judge: Judge, path: str, name: str) -> None:
    result = judge("contents.toolchain", [installed(Item(path, program(), mode=0o755))])
    (finding,) = result.findings
    assert (result.status, result.measured, finding.severity) == (Status.PASSED, 2 * MB, Severity.WARNING)
    assert finding.message == f"{name}: 2 MB in 1 file, the largest /{path}"
    assert (finding.file, finding.bytes, finding.evidence) == (f"/{path}", 2 * MB, name)
    assert finding.created_by == "RUN apt-get install build-essential" and "COPY --from=build" in finding.fix


def test_a_compiler_weighs_what_its_folder_weighs(judge: Judge) -> None:
    items = [
        Item(f"{GCC}/cc1plus", program(3 * MB)),
        Item(f"{GCC}/include/stddef.h", b"x" * 500_000),
        Item(f"{GCC}/libgcc.a", b"!<arch>\n" + bytes(500_000 - 8)),
        Item("usr/lib/x86_64-linux-gnu/libgcc_s.so.1", program(MB)),
    ]
    result = judge("contents.toolchain", [installed(*items)], severity={})
    assert (result.status, result.measured) == (Status.FAILED, 4 * MB)
    assert messages(result) == f"GCC: 4 MB in 3 files, the largest /{GCC}/cc1plus"


def test_many_static_libraries_and_headers(judge: Judge) -> None:
    items = [Item(f"usr/local/lib/lib{n}.a", b"!<arch>\n" + bytes(4 * MB)) for n in range(3)]
    items += [Item(f"usr/include/lib/{n}.h", b"/**/" * (MB // 4)) for n in range(11)]
    result = judge("contents.toolchain", [installed(*items)])
    assert [finding.evidence for finding in result.findings] == ["static libraries", "headers"]
    assert "static libraries: 12 MB in 3 files" in messages(result)


def test_several_toolchains_biggest_first(judge: Judge) -> None:
    items = [Item("usr/bin/nasm", program(MB)), Item(f"{GCC}/cc1", program(3 * MB)), Item("usr/bin/as", program())]
    result = judge("contents.toolchain", [installed(*items)])
    assert [finding.evidence for finding in result.findings] == ["GCC", "GNU binutils", "an assembler"]


def test_a_deleted_compiler_isnt_counted_twice(judge: Judge) -> None:
    layers = [installed(Item("usr/bin/nasm", program())), layer([Item("usr/bin/.wh.nasm")], "RUN apt-get purge nasm")]
    result = judge("contents.toolchain", layers)
    (finding,) = result.findings
    assert (result.measured, finding.severity) == (0, Severity.NOTE)
    assert finding.message == "2 MB of compilers are deleted by a later layer but still pulled (see layers.waste)"


def test_what_runtimes_keep_passes(judge: Judge) -> None:
    packages = "usr/local/lib/python3.12/site-packages"
    items = [
        Item(f"{packages}/numpy/_core/include/numpy/ndarraytypes.h", b"x" * 15 * MB),
        Item("usr/local/include/python3.12/Python.h", b"x" * 15 * MB),
        Item("usr/local/include/node/openssl/archs/x.h", b"x" * 15 * MB),
        Item("usr/include/x264.h", b"x" * 50_000),
        Item("usr/lib/libcrypt.a", b"!<arch>\n" + bytes(100_000)),
        Item(f"{packages}/triton/backends/nvidia/bin/ptxas", program()),
        Item("usr/lib/x86_64-linux-gnu/libLLVM-15.so.1", program()),
        Item("usr/lib/llvm-15/lib/libLLVM.so.1", program()),
        Item("usr/bin/gcc-wrapper", b"#!/bin/sh\nexec gcc\n"),
        Item("usr/bin/as", b"#!/usr/bin/env python3\n"),
        Item("usr/bin/ldd", b"#!/bin/bash\n"),
        Item("usr/bin/run-as", program()),
        Item("usr/bin/perl", program()),
        Item.symlink("usr/bin/cc", "gcc"),
    ]
    result = judge("contents.toolchain", [installed(*items)])
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 0, [])


def test_what_the_policy_allows_passes(judge: Judge) -> None:
    layers = [installed(Item("opt/jit/bin/clang", program()), Item(f"{GCC}/cc1", program()))]
    result = judge("contents.toolchain", layers, contents_allow=("/opt/jit/*", "/usr/lib/gcc/*"))
    assert result.findings == []
