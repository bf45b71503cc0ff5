"""What the cheap first look lets through: all that belongs to an FFmpeg, however the file was cut."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ffmpeg_identity import LIBRARY, TOOL, elf, scan, segments

from pytest_mediaimage.ffmpeg import IdentityScanner, anchors
from pytest_mediaimage.ffmpeg.anchors import ANCHORS, BEFORE, HEAD, WINDOW, Gate
from pytest_mediaimage.ffmpeg.identity import AHEAD, BLOCK

MIB = 1 << 20


def passed(data: bytes, *cuts: int) -> tuple[int, bytes] | None:
    """From where on texts count, and all that the gate lets through from there on, zeros in place of the rest."""
    gate = Gate()
    seen = bytearray(len(data))
    pieces = [data[low:high] for low, high in zip((0, *cuts), (*cuts, len(data)), strict=True)]
    found = [piece for chunk in pieces for piece in gate.feed(chunk)] + list(gate.end_of_head())
    end = 0
    for start, piece in found:
        assert end <= start, "in order, and nothing twice"
        end = start + len(piece)
        seen[start:end] = piece
    return (gate.counted, bytes(seen[gate.counted :])) if found else None


def at(*texts: tuple[int, bytes], length: int) -> bytes:
    data = bytearray(elf(fill=length))
    for place, text in texts:
        data[place : place + len(text)] = text
    return bytes(data)


def test_text_megabytes_before_the_anchor_is_found() -> None:
    early, late = 300_000, 7 * MIB
    data = at((early, LIBRARY[0]), (early + 400, LIBRARY[3]), (late, LIBRARY[1]), length=8 * MIB)
    identity = scan(data, *range(65536, len(data), 65536))
    assert identity is not None
    assert identity.configuration == LIBRARY[0].decode()
    assert identity.offsets == {"configuration": early, "library:libavcodec": early + 400, "license:libavcodec": late}


def test_window_begins_at_one_byte_however_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "WINDOW", 50_000)
    license_text, version_text = LIBRARY[1], LIBRARY[2]
    place = 90_000
    anchor = place + license_text.index(b" license: ")
    for early, found in ((anchor - 50_000, True), (anchor - 50_001, False)):
        data = at((early, version_text), (place, license_text), length=120_000)
        for cuts in ((), range(1000, len(data), 1000), (early + 3,), (anchor + 2,), (anchor - 50_000, anchor)):
            assert (scan(data, *cuts) is not None) is found, (found, cuts)


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("start", [HEAD - 8, HEAD + 5000])
def test_anchor_across_a_border(anchor: bytes, start: int) -> None:
    data = at((start, anchor), length=HEAD + 10_000)
    for cut in range(start - 1, start + len(anchor) + 1):
        assert passed(data, cut) == (0, data)
        assert passed(data, *range(cut, cut + 40)) == (0, data), "one byte at a time"
    assert passed(at(length=HEAD + 10_000)) is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(64, 60_000), st.sampled_from(ANCHORS)), max_size=3),
    st.sampled_from([1, 32, 33, 34, 35, 5000, 20_000]),
    st.lists(st.integers(0, 61_000), max_size=8),
)
def test_what_passes_never_depends_on_the_cuts(texts: list[tuple[int, bytes]], code: int, cuts: list[int]) -> None:
    loads = ((4, 0, 100), (5, 8192, code), (5, 8200, code), (5, 30_000, 500), (4, 40_960, 20_000))
    data = bytearray(segments("<", True, *loads).ljust(500, b"x")) + random.Random(1).randbytes(60_500)
    for place, text in texts:
        data[place : place + len(text)] = text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anchors, "WINDOW", 9000)
        assert passed(bytes(data), *sorted(cuts)) == passed(bytes(data))


def test_nothing_but_code_is_left_out() -> None:
    head = segments("<", True, (4, 0, 100), (5, 4096, 50_000), (4, 61_440, 8192))
    data = bytearray(head + random.Random(2).randbytes(70_000 - len(head)))
    data[62_000 : 62_000 + len(ANCHORS[0])] = ANCHORS[0]
    found = passed(bytes(data), 5000, 54_000, 62_003)
    assert found is not None
    assert found[1][:4096] == data[:4096] and found[1][4096 + 50_000 :] == data[4096 + 50_000 :]
    assert not any(found[1][4096 + 32 : 4096 + 50_000 - 1])


def test_anchor_in_code_opens_nothing() -> None:
    head = segments("<", True, (4, 0, 100), (5, 4096, 50_000), (4, 61_440, 8192)).ljust(70_000, b"\0")
    for place, opened in ((50_000, False), (62_000, True)):
        data = head[:place] + ANCHORS[1] + head[place + len(ANCHORS[1]) :]
        assert (passed(data) is not None) is opened
        assert (passed(data, 30_000, place + 4) is not None) is opened


def test_nothing_is_held_of_other_files() -> None:
    gate = Gate()
    for _ in range(100):
        assert list(gate.feed(b"#!/bin/sh\n" * 3000)) == []
    assert not gate._held and gate._head is None


def test_memory_of_a_large_file_without_an_anchor_is_bounded() -> None:
    scanner = IdentityScanner()
    chunk = bytes(256 * 1024)
    scanner.feed(elf())
    tracemalloc.start()
    for _ in range(100):
        scanner.feed(bytes(bytearray(chunk)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < WINDOW + BEFORE + 4 * len(chunk)
    assert scanner.finish() is None


def test_border_between_two_looks_hides_no_version() -> None:
    """What could be read as one long version is noted as each, so that no border decides which."""
    banner = b"%s version %s version 8.1\0" + TOOL[1] + b"\0" + TOOL[3]
    place = BLOCK + 100
    data = at((place, banner), length=BLOCK + AHEAD + 1000)
    whole = scan(data)
    assert whole is not None and whole.version == "8.1"
    assert all(scan(data, border + AHEAD) == whole for border in range(place - 2, place + len(banner)))


def test_compiler_of_the_banner_comes_first() -> None:
    """Also where a configure line with a compiler beside it stands before, in the same look or an earlier one."""
    line, banner = LIBRARY[0] + b"\0gcc 4.2", TOOL[1] + b"\0" + TOOL[2] + b"\0" + TOOL[3]
    place = BLOCK + 8000
    data = at((place - 6000, line), (place, banner), length=BLOCK + AHEAD + 10_000)
    whole = scan(data)
    assert whole is not None and whole.compiler == TOOL[2].decode()
    assert scan(data, place - 3000 + AHEAD) == whole
