from __future__ import annotations

import functools
import re
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.ffmpeg import FFmpegIdentity, IdentityScanner, combine, read_identity
from pytest_mediaimage.ffmpeg.elf import code_ranges
from pytest_mediaimage.ffmpeg.identity import AHEAD, BLOCK, KEEP, LICENSE_TEXTS, NEAR

GNU_LICENSE = {  # what `ffmpeg -L` prints, and the library's text for it
    ("General", "2"): "GPL version 2 or later",
    ("General", "3"): "GPL version 3 or later",
    ("Lesser General", "2.1"): "LGPL version 2.1 or later",
    ("Lesser General", "3"): "LGPL version 3 or later",
}


def run(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr


def scan(data: bytes, *cuts: int) -> FFmpegIdentity | None:
    scanner = IdentityScanner()
    for low, high in zip((0, *cuts), (*cuts, len(data)), strict=True):
        scanner.feed(data[low:high])
    return scanner.finish()


def identify(file: Path) -> FFmpegIdentity:
    identity = read_identity(file)
    assert identity is not None
    return identity


def certain(data: bytes, *cuts: int) -> FFmpegIdentity:
    identity = scan(data, *cuts)
    assert identity is not None
    return identity


def found(pattern: str, text: str) -> re.Match[str]:
    match = re.search(pattern, text, re.M | re.S)
    assert match is not None, text
    return match


def elf(*texts: bytes, fill: int = 0) -> bytes:
    """A file with the ELF magic, no segments, and these texts with NULs around them."""
    header = b"\x7fELF\x02\x01\x01".ljust(64, b"\0")
    return header + bytes(fill) + b"\0" + b"\0\0\0".join(texts) + b"\0"


LIBRARY = (
    b"--prefix=/usr --enable-gpl --enable-libx264",
    b"libavcodec license: GPL version 2 or later",
    b"FFmpeg version 7.1.5",
    b"Lavc61.19.101",
)
TOOL = (
    b"%s version 7.1.5",
    b"%sbuilt with %s\n",
    b"gcc 14 (Debian 14.2.0-19)",
    b"%sconfiguration: --prefix=/usr --enable-gpl\n",
)


def test_tool_says_what_version_prints(build: Path) -> None:
    identity = identify(build)
    assert identity.kind == "tool" and identity.is_ffmpeg
    printed = run(build, "-version")
    assert identity.version == found(r"^ff\w+ version (\S+) Copyright", printed)[1]
    assert identity.configuration == found(r"^configuration: ([^\n]*)$", printed)[1].rstrip()
    assert identity.compiler == found(r"^built with ([^\n]*)$", printed)[1]
    versions = {
        f"lib{name}": f"{a}.{b}.{c}"
        for name, a, b, c in re.findall(r"^lib(\w+) +(\d+)\. *(\d+)\. *(\d+) /", printed, re.M)
    }
    assert identity.libraries and identity.libraries.items() <= versions.items()
    if "ffprobe" in build.name:
        assert identity.libraries == versions


def test_licence_is_what_L_prints(build: Path) -> None:
    identity = identify(build)
    printed = run(build, "-hide_banner", "-L")
    license, version = found(r"GNU\s+((?:Lesser )?General) Public.*?version ([\d.]+) of the", printed).groups()
    if not identity.licenses:  # a shared build: its library states it
        identity = identify(Path(found(r"libavutil\.so\S* => (\S+)", run("ldd", build))[1]))
        assert identity.kind == "library"
    assert set(identity.licenses.values()) == {GNU_LICENSE[license, version]}


def test_shared_libraries_of_the_system(build: Path) -> None:
    try:
        linked = dict(
            re.findall(
                r"(lib(?:avutil|avcodec|avformat|avfilter|avdevice|swscale|swresample|postproc))\.so\S* => (\S+)",
                run("ldd", build),
            )
        )
    except subprocess.CalledProcessError:
        linked = {}
    if not linked:
        pytest.skip("a static build")
    tool = identify(build)
    for name, path in linked.items():
        identity = identify(Path(path))
        assert identity.kind == "library", name
        assert list(identity.licenses) == [name]
        assert identity.configuration == tool.configuration
        # The linker may drop the version where nothing refers to it, as in libswscale.
        assert identity.version == tool.version or (identity.version is None and name == "libswscale")


def test_bundled_libraries(bundled: dict[str, Path]) -> None:
    import av

    for name, path in bundled.items():
        identity = identify(path)
        assert identity.kind == "library", name
        assert list(identity.licenses) == [name]
        assert identity.configuration and "--enable-shared" in identity.configuration
    codec = identify(bundled["libavcodec"])
    assert codec.libraries["libavcodec"] == ".".join(map(str, av.library_versions["libavcodec"]))
    assert codec.version == av.ffmpeg_version_info


def test_offsets_point_at_the_evidence(build: Path) -> None:
    identity = identify(build)
    data = build.read_bytes()
    for name, at in identity.offsets.items():
        what, _, library = name.partition(":")
        if what == "license":
            expected = f"{library} license: {identity.licenses[library]}"
        elif what == "library":
            expected = identity.libraries[library]
        else:
            expected = getattr(identity, what)
        assert expected.encode() in data[at : at + len(expected) + 32], name


def test_code_that_links_to_ffmpeg_is_no_ffmpeg(bundled: dict[str, Path]) -> None:
    modules = list((bundled["libavcodec"].parents[1] / "av").rglob("*.so"))
    linking = [module for module in modules if b"libavcodec" in module.read_bytes()]
    assert linking
    assert [module for module in linking if read_identity(module)] == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x7fEL", id="cut"),
        pytest.param(b"#!/bin/sh\n" + b"\0\0".join(LIBRARY + TOOL) + b"\0", id="no-elf"),
        pytest.param(elf(), id="no-text"),
        pytest.param(elf(LIBRARY[1]), id="licence-alone"),
        pytest.param(elf(LIBRARY[2], LIBRARY[0]), id="no-licence"),
        pytest.param(elf(b"libavcodec license: see COPYING", *LIBRARY[2:]), id="unknown-licence"),
        pytest.param(elf(b"like libavcodec license: GPL version 2 or later, says FFmpeg version 7.1.5\n"), id="quote"),
        pytest.param(elf(b"%sbuilt with %s\n", b"%s version 1.2"), id="half-a-banner"),
        pytest.param(elf(b"--enable-vp9 --enable-pic", LIBRARY[1]), id="libvpx-line"),
    ],
)
def test_no_ffmpeg(data: bytes) -> None:
    assert scan(data) is None


def test_shared_tool_since_9_knows_neither_version_nor_configuration() -> None:
    identity = scan(
        elf(b"%s version %s", b"%sbuilt with %s\n", b"%sconfiguration: %s\n", b"gcc 16.2.0", b"Lavc63.1.102")
    )
    assert identity is not None and identity.kind == "tool"
    assert (identity.version, identity.configuration) == (None, None)
    assert identity.libraries == {"libavcodec": "63.1.102"}


def test_configure_without_options() -> None:
    identity = scan(elf(b"%s version 4.4", b"%sbuilt with %s\n", b"%sconfiguration: \n"))
    assert identity is not None and identity.configuration == ""


def test_long_version_of_a_build_from_git() -> None:
    others = (b"%s version 2.1 of something", b"%s version %d.%d")
    identity = scan(elf(*others, b"%s version N-118315-g4f3c9f2f03-20250101", b"x", b"%sbuilt with %s\n", TOOL[3]))
    assert identity is not None and identity.version == "2.1 of something"  # only its place tells them apart
    identity = scan(
        elf(*others, b"%s version N-118315-g4f3c9f2f03-20250101")[:-1] + b"\0%sbuilt with %s\n\0" + TOOL[3] + b"\0"
    )
    assert identity is not None and identity.version == "N-118315-g4f3c9f2f03-20250101"


def test_ffmpeg_inside_another_program() -> None:
    identity = scan(elf(*LIBRARY, b"libavutil license: GPL version 2 or later"))
    assert identity is not None and identity.kind == "embedded" and not identity.is_ffmpeg


@pytest.mark.parametrize("first", [True, False])
def test_configure_lines_of_other_programs(first: bool) -> None:
    other = (b"--enable-vp8 --enable-vp9 --disable-unit-tests --enable-static", b"--log-target=syslog", b"--help")
    texts = (*other, *LIBRARY) if first else (*LIBRARY, *other)
    identity = scan(elf(*texts))
    assert identity is not None and identity.configuration == LIBRARY[0].decode()


@pytest.mark.parametrize("text", LICENSE_TEXTS)
def test_every_licence_text(text: str) -> None:
    identity = scan(elf(f"libswscale license: {text}".encode(), b"FFmpeg version 6.0"))
    assert identity is not None and identity.licenses == {"libswscale": text}


@pytest.mark.parametrize(
    "compiler",
    ["gcc 10.2.1 20201203", "clang version 18.1.3", "Debian clang version 14.0.6", "Apple clang version 15.0.0"],
)
def test_compilers(compiler: str) -> None:
    identity = scan(elf(TOOL[0], TOOL[1], compiler.encode(), TOOL[3]))
    assert identity is not None and identity.compiler == compiler


PLACES = (
    (BLOCK + 100, LIBRARY[3]),
    (BLOCK + 900, LIBRARY[1]),
    (BLOCK + 2600, TOOL[0]),
    (2 * BLOCK - 10, TOOL[3]),  # 4094 bytes after the compiler, which is found from it
    (2 * BLOCK - 10 - NEAR + 2, TOOL[2]),
    (2 * BLOCK + 500, TOOL[1]),
    (3 * BLOCK - 1, LIBRARY[0]),
    (3 * BLOCK + 100, b"libavutil license: GPL version 2 or later"),
    (3 * BLOCK + 600, LIBRARY[2]),
)


@functools.cache
def _reference() -> tuple[bytes, FFmpegIdentity]:
    data = bytearray(elf(fill=3 * BLOCK + AHEAD + 2000))
    for at, text in PLACES:
        data[at : at + len(text)] = text
    return bytes(data), certain(bytes(data))


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_borders_inside_a_text(place: int) -> None:
    """A chunk that ends AHEAD bytes after a place makes that place the border between two scans."""
    data, whole = _reference()
    at, text = PLACES[place]
    for border in range(at - 3, at + len(text) + 3):
        assert scan(data, border + AHEAD) == whole, border - at
        assert scan(data, border) == whole, border - at


def test_reference_has_everything() -> None:
    _, whole = _reference()
    assert set(whole.offsets) == {
        "version", "configuration", "compiler", "library:libavcodec", "license:libavcodec", "license:libavutil",
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3 * BLOCK + AHEAD + 2000), max_size=12))
def test_cutting_never_changes_the_result(cuts: list[int]) -> None:
    data, whole = _reference()
    assert scan(data, *sorted(cuts)) == whole


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4000), st.integers(0, 100))
def test_small_chunks_never_change_the_result(size: int, first: int) -> None:
    data, whole = _reference()
    assert scan(data, *range(first, len(data), size + 700)) == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(LIBRARY + TOOL), st.binary(max_size=40)), max_size=14), st.data())
def test_any_mixture_is_read_alike_however_cut(texts: list[bytes], data: st.DataObject) -> None:
    whole = elf(*texts)
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=6))
    assert scan(whole, *sorted(cuts)) == scan(whole)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_header_is_survived(tail: bytes) -> None:
    data = b"\x7fELF" + tail
    assert scan(data) is None or b"license" in data or b"built" in data
    for low, high in code_ranges(data):
        assert 0 <= low <= high


def segments(order: str, wide: bool, *loads: tuple[int, int, int]) -> bytes:
    """An ELF header with PT_LOAD segments (flags, offset, size)."""
    size, entry = (64, 56) if wide else (52, 32)
    head = bytearray(b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1])).ljust(size, b"\0")
    struct.pack_into(order + ("Q" if wide else "I"), head, 32 if wide else 28, size)
    struct.pack_into(order + "HH", head, 54 if wide else 42, entry, len(loads))
    for flags, offset, length in loads:
        fields = (1, flags, offset, 0, 0, length, length, 0) if wide else (1, offset, 0, 0, length, length, flags, 0)
        head += struct.pack(order + ("IIQQQQQQ" if wide else "IIIIIIII"), *fields)
    return bytes(head.ljust(128, b"\0"))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("wide", [True, False])
def test_code_is_left_out_only_where_data_follows(order: str, wide: bool) -> None:
    separate = segments(order, wide, (4, 0, 100), (5, 4096, 5000), (4, 12288, 100), (6, 16384, 9))
    assert code_ranges(separate) == ((4096, 9096),)
    assert code_ranges(segments(order, wide, (5, 0, 9000), (6, 12288, 9))) == ()
    assert code_ranges(segments(order, wide, (4, 0, 4000), (5, 4096, 5000), (6, 12288, 9))) == ()


def test_text_in_code_is_not_read() -> None:
    head = segments("<", True, (4, 0, 100), (5, 4096, 5000), (4, 12288, 8192))
    texts = b"\0" + b"\0\0".join(LIBRARY) + b"\0"
    in_code, in_data = bytearray(head.ljust(20480, b"\0")), bytearray(head.ljust(20480, b"\0"))
    in_code[5000 : 5000 + len(texts)] = texts
    in_data[13000 : 13000 + len(texts)] = texts
    assert scan(bytes(in_code)) is None
    assert scan(bytes(in_data), 5000, 13010) is not None


def test_memory_stays_bounded() -> None:
    scanner = IdentityScanner()
    scanner.feed(elf())
    junk = b"\0--enable-junk --enable-more\0%sbuilt with %s\n\0FFmpeg version 1\0%s version 1\0" * 2000
    scanner.feed(junk)
    texts = scanner._texts
    assert texts is not None
    for _ in range(40):
        scanner.feed(junk)
        assert sum(map(len, texts._parts)) <= BLOCK + AHEAD + len(junk) + 1024
    assert all(len(hits) <= KEEP for hits in texts._hits.values())


def test_unfavourable_files_are_read_in_time() -> None:
    """Texts that never end must not make each place cost a look at all that follows."""
    for text in (b"%sconfiguration: ", b"%s version a", b"\0--enable-", b" license: lib", b"Lavfi1.1.1\0"):
        began = time.process_time()
        scan(elf(text * ((2 << 20) // len(text))))
        assert time.process_time() - began < 5, text


def test_speed(build: Path) -> None:
    """At least 200 MB/s, though the target is 500: a loaded machine mustn't fail it."""
    data = build.read_bytes() * (1 if build.stat().st_size > 20e6 else 0)
    if not data:
        pytest.skip("too small to time")
    best = min(_seconds(data) for _ in range(3))
    assert len(data) / best > 200e6


def _seconds(data: bytes) -> float:
    began = time.process_time()
    scan(data, *range(BLOCK, len(data), BLOCK))
    return time.process_time() - began


def test_read_from_an_open_file(tmp_path: Path) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(elf(*LIBRARY))
    with file.open("rb") as opened:
        assert read_identity(opened) == read_identity(file) != None  # noqa: E711
    with pytest.raises(FileNotFoundError):
        read_identity(tmp_path / "none")


def test_combine() -> None:
    tool = certain(
        elf(b"%s version %s", b"%sbuilt with %s\n", b"%sconfiguration: %s\n", b"gcc 16.2.0", b"Lavc63.1.102")
    )
    library = certain(elf(*LIBRARY))
    whole = combine([tool, library])
    assert (whole.kind, whole.version, whole.compiler) == ("tool", "7.1.5", tool.compiler)
    assert whole.libraries == {"libavcodec": "63.1.102"} and whole.licenses == library.licenses
    with pytest.raises(ValueError):
        combine([])
