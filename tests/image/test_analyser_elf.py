"""ELF files as binutils' readelf reads them, and what no linker ever wrote."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_helpers import make_image
from support.elf_writer import DYNAMIC, INTERPRETER, LOAD, NOTE, ElfWriter

from pytest_mediaimage.image.analysers import elf
from pytest_mediaimage.image.analysers.elf import NAME, ElfFiles
from pytest_mediaimage.image.build import Item
from pytest_mediaimage.image.entries import FILE, Entry
from pytest_mediaimage.runtime.elf import init_program

Fact = dict[str, Any]


def fact(data: bytes, cuts: Iterable[int] = (), length: int | None = None) -> Fact:
    """The fact of a file fed in the pieces that the cuts make; the head is always whole, as a scan gives it."""
    watcher = ElfFiles().watch(Entry("f", FILE, len(data) if length is None else length), data[:4096])
    assert watcher is not None
    places = sorted(cuts)
    for low, high in zip((0, *places), (*places, len(data)), strict=True):
        watcher.feed(data[low:high])
    found = watcher.finish()
    json.dumps(found)
    return found


def readelf(path: Path) -> Fact:
    """What readelf says, in the words of a fact."""
    program = shutil.which("readelf")
    if program is None:
        pytest.skip("there is no readelf to compare with")
    # The C locale, since readelf speaks the user's language.
    done = subprocess.run(
        [program, "-hldVnSW", path], capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin"}
    )
    said = done.stdout
    found: Fact = {
        "class": int(re.findall(r"Class: +ELF(\d+)", said)[0]),
        "type": re.findall(r"^  Type: +(\w+)", said, re.M)[0].lower(),
        "stripped": not re.search(r" SYMTAB ", said),
    }
    for name, pattern in (
        ("interpreter", r"program interpreter: (.*)\]"),
        ("soname", r"Library soname: \[(.*)\]"),
        ("rpath", r"Library rpath: \[(.*)\]"),
        ("runpath", r"Library runpath: \[(.*)\]"),
        ("build_id", r"Build ID: (\w+)"),
    ):
        if match := re.search(pattern, said):
            found[name] = match[1]
    if needed := re.findall(r"Shared library: \[(.*)\]", said):
        found["needed"] = needed
    if levels := re.search(r"x86 ISA needed: (.*?)(?:\n|$)", said):
        found["isa"] = levels[1].split(", ")[-1].removesuffix("-baseline")
    if section := re.search(r"Version needs section.*?\n\n", said + "\n\n", re.S):
        parts = re.split(r"File: (\S+)  Cnt", section[0])[1:]
        found["needed_versions"] = {
            library: re.findall(r"Name: (\S+)  Flags", versions)
            for library, versions in zip(parts[::2], parts[1::2], strict=True)
        }
    if section := re.search(r"Version definition section.*?\n\n", said + "\n\n", re.S):
        lines = [line for line in section[0].splitlines() if "Index:" in line and "Flags: BASE" not in line]
        found["defined_versions"] = [re.findall(r"Name: (\S+)", line)[0] for line in lines]
    return found


NOT_READELFS = ("order", "machine", "e_machine", "pie", "static")


def agrees(path: Path) -> Fact:
    found = fact(path.read_bytes(), range(65536, path.stat().st_size, 65536))
    assert {name: value for name, value in found.items() if name not in NOT_READELFS} == readelf(path)
    return found


def loaded() -> list[Path]:
    """The libraries that this process has loaded."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    names = {line.split(maxsplit=5)[5] for line in lines if line.count(" ") > 4 and "/" in line}
    return sorted(Path(name) for name in names if Path(name).is_file() and Path(name).open("rb").read(4) == b"\x7fELF")


def test_what_this_process_has_loaded() -> None:
    paths = loaded()
    assert len(paths) > 5
    facts = [agrees(path) for path in [*paths, Path(sys.executable).resolve()]]
    assert any("GLIBC_2.2.5" in found.get("defined_versions", []) for found in facts)
    assert any(found.get("needed_versions") for found in facts)


SOURCE = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
BUILDS: dict[str, tuple[list[str], Fact]] = {
    "pie": (["-pie", "-fPIE"], {"type": "dyn", "pie": True, "static": False}),
    "fixed": (["-no-pie"], {"type": "exec", "static": False}),
    "static": (["-static", "-no-pie"], {"type": "exec", "static": True}),
    "static-pie": (["-static-pie", "-fPIE"], {"type": "dyn", "pie": True, "static": True}),
    "library": (["-shared", "-fPIC", "-Wl,-soname,libx.so.1"], {"type": "dyn", "pie": False, "soname": "libx.so.1"}),
    "runpath": (["-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib"], {"runpath": "$ORIGIN/../lib"}),
    "rpath": (["-Wl,--disable-new-dtags,-rpath,/opt/lib:/lib"], {"rpath": "/opt/lib:/lib"}),
    "stripped": (["-s"], {"stripped": True}),
    "debug": (["-g"], {"stripped": False}),
    "x86-64-v3": (["-Wl,-z,x86-64-v3"], {"isa": "x86-64-v3"}),
    "one-segment": (["-Wl,-z,noseparate-code"], {"type": "dyn"}),
    "object": (["-c"], {"type": "rel"}),
    "32-bit": (["-m32"], {"class": 32, "machine": "386"}),
}


@pytest.mark.parametrize("name", BUILDS)
def test_what_the_compiler_builds(name: str, tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no gcc")
    options, expected = BUILDS[name]
    (tmp_path / "a.c").write_text(SOURCE)
    done = subprocess.run(
        [compiler, *options, "-o", tmp_path / "a", tmp_path / "a.c"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this gcc can't: {done.stderr.splitlines()[-1]}")
    found = agrees(tmp_path / "a")
    assert expected.items() <= found.items()
    assert "damaged" not in found and "partial" not in found


@pytest.mark.parametrize("machine, name", [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_static_program_without_anything(machine: str, name: str) -> None:
    found = fact(init_program(machine))
    assert found == {
        "class": 64, "order": "little", "machine": name, "e_machine": {"amd64": 62, "arm64": 183}[name],
        "type": "exec", "static": True, "stripped": True,
    }  # fmt: skip


WRITTEN = ElfWriter(
    interpreter=b"/lib/ld.so.1",
    soname=b"libx.so.1",
    needed=(b"libc.so.6", b"libm.so.6"),
    runpath=b"$ORIGIN",
    versions={b"libc.so.6": [b"GLIBC_2.34", b"GLIBC_2.2.5"], b"libm.so.6": [b"GLIBC_2.29"]},
    defines=(b"X_1.0", b"X_1.1"),
    flags_1=0x08000000,
    build_id=bytes(range(20)),
    isa=7,
)
SAID: Fact = {
    "interpreter": "/lib/ld.so.1",
    "soname": "libx.so.1",
    "needed": ["libc.so.6", "libm.so.6"],
    "runpath": "$ORIGIN",
    "needed_versions": {"libc.so.6": ["GLIBC_2.34", "GLIBC_2.2.5"], "libm.so.6": ["GLIBC_2.29"]},
    "defined_versions": ["X_1.0", "X_1.1"],
    "build_id": bytes(range(20)).hex(),
    "isa": "x86-64-v3",
    "pie": True,
    "static": False,
    "stripped": True,
}


def written(**changes: Any) -> bytes:
    return ElfWriter(**(WRITTEN.__dict__ | changes)).write()


@pytest.mark.parametrize("names", ["before", "after"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [32, 64])
def test_every_class_order_and_layout(bits: int, order: str, names: str, tmp_path: Path) -> None:
    data = written(bits=bits, order=order, names=names, gap=70_000)
    found = fact(data, range(30_000, len(data), 30_000))
    ours = {"class": bits, "order": {"<": "little", ">": "big"}[order], "e_machine": 62, "type": "dyn"}
    assert {name: value for name, value in found.items() if name != "machine"} == SAID | ours
    (tmp_path / "a").write_bytes(data)
    readelf(tmp_path / "a")  # which complains about what it can't read


@pytest.mark.parametrize("names", ["before", "after"])
def test_what_patchelf_leaves(names: str) -> None:
    """Interpreter and notes after the names; and a table that its segment doesn't cover, though its page does."""
    data = written(names=names, last=True, gap=70_000)
    assert SAID.items() <= fact(data, range(10_000, len(data), 10_000)).items()
    data = written(names="after", interpreter=b"", build_id=b"", isa=0, versions={}, defines=(), unloaded=20)
    assert fact(data)["runpath"] == SAID["runpath"] and fact(data)["needed"] == SAID["needed"]


@pytest.mark.parametrize(
    "machine, bits, order, name",
    [
        (3, 32, "<", "386"), (62, 64, "<", "amd64"), (62, 32, "<", "amd64p32"), (40, 32, "<", "arm"),
        (183, 64, "<", "arm64"), (21, 64, "<", "ppc64le"), (21, 64, ">", "ppc64"), (22, 64, ">", "s390x"),
        (243, 64, "<", "riscv64"), (258, 64, "<", "loong64"), (8, 64, "<", "mips64le"), (190, 64, "<", None),
    ],
)  # fmt: skip
def test_machines(machine: int, bits: int, order: str, name: str | None) -> None:
    found = fact(written(machine=machine, bits=bits, order=order))
    assert found.get("machine") == name and found["e_machine"] == machine


def test_found_in_layers(tmp_path: Path) -> None:
    items = [Item("bin/a", written()), Item("bin/script", b"#!/bin/sh\n"), Item("lib/b.so", written(gap=900_000))]
    (layer,) = make_image(tmp_path / "l", [items], analysers=[ElfFiles()]).layer_facts
    found = {layer.entries[ordinal].path: said for ordinal, said in layer.found[NAME].items()}
    assert found.keys() == {"bin/a", "lib/b.so"}
    assert SAID.items() <= found["bin/a"].items() and SAID.items() <= found["lib/b.so"].items()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["before", "after"]), st.sampled_from([0, 5000]), st.data())
def test_cutting_never_changes_the_fact(names: str, gap: int, data: st.DataObject) -> None:
    whole = written(names=names, gap=gap)
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=12))
    assert fact(whole, cuts) == fact(whole)


def test_names_that_passed_too_long_ago_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a fact, and it says so: the dynamic section comes after what could be held."""
    monkeypatch.setattr(elf, "_MOST_NAMES", 50_000)
    monkeypatch.setattr(elf, "_BEFORE_DYNAMIC", 1000)
    data = written(gap=100_000)
    found = fact(data, range(10_000, len(data), 10_000))
    assert found["partial"] is True and "damaged" not in found
    assert found["interpreter"] == SAID["interpreter"] and found["build_id"] == SAID["build_id"]
    assert not found.keys() & {"needed", "soname", "needed_versions", "defined_versions"}


def test_sparse_file_says_only_what_its_header_says() -> None:
    data = written()
    found = fact(data, length=len(data) + 1_000_000)
    assert found == {
        "class": 64, "order": "little", "machine": "amd64", "e_machine": 62, "type": "dyn", "partial": True,
    }  # fmt: skip


def change(data: bytes, layout: str, at: int, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x7fELF", id="magic-alone"),
        pytest.param(written()[:60], id="cut-header"),
        pytest.param(b"\x7fELF\x03\x01\x01" + bytes(80), id="class-3"),
        pytest.param(b"\x7fELF\x02\x07\x01" + bytes(80), id="order-7"),
        pytest.param(written()[:300], id="cut-segments"),
        pytest.param(change(written(), "<Q", 32, 1 << 60), id="segments-far-away"),
        pytest.param(change(written(), "<H", 54, 3), id="segment-entries-of-3-bytes"),
        pytest.param(change(written(), "<H", 56, 65535), id="too-many-segments"),
        pytest.param(change(change(written(), "<Q", 40, 1 << 40), "<H", 60, 9), id="sections-far-away"),
        pytest.param(change(written(), "<Q", 64 + 56 + 32, 1 << 40), id="dynamic-section-too-long"),
        pytest.param(change(written(), "<Q", 64 + 16, 1 << 40), id="nothing-loaded-there"),
    ],
)
def test_damaged(data: bytes) -> None:
    found = fact(data, range(0, len(data), 50))
    assert isinstance(found.get("damaged"), str)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([32, 64]),
    st.sampled_from("<>"),
    st.sampled_from(["before", "after"]),
    st.lists(
        st.tuples(
            st.integers(4, 1100),
            st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from([b"\xff" * 8, bytes(8), b"\x7f" * 8])),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_mutated_files_are_survived(bits: int, order: str, names: str, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(written(bits=bits, order=order, names=names))
    for at, new in changes:
        data[at : at + len(new)] = new
    whole = bytes(data)
    found = fact(whole)
    assert found == fact(whole, range(0, len(whole), 97))
    assert len(json.dumps(found)) < 1 << 20


@settings(max_examples=200, deadline=None)
@given(st.integers(4, 1100), st.sampled_from([bytes(8), struct.pack("<Q", 0x400000 + 30_000), b"\xff"]), st.data())
def test_cutting_never_changes_the_fact_of_a_mutated_file(at: int, new: bytes, data: st.DataObject) -> None:
    """Also where only a part of a file is held."""
    whole = bytearray(written(gap=20_000))
    places = [match.start() for match in re.finditer(rb"[^\0]", whole) if match.start() >= 4]
    at = places[at % len(places)]
    whole[at : at + len(new)] = new
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elf, "_MOST_NAMES", 30_000)
        patch.setattr(elf, "_BEFORE_DYNAMIC", 1000)
        assert fact(bytes(whole), cuts) == fact(bytes(whole))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"", b"\x02\x01\x01", b"\x01\x02\x01"]), st.binary(max_size=500))
def test_any_bytes(start: bytes, rest: bytes) -> None:
    fact(b"\x7fELF" + start + rest)


def greedy() -> bytes:
    """A header that asks for all there is: a segment of names, notes and tables of hundreds of megabytes."""
    head = bytearray(written()[:64])
    struct.pack_into("<Q", head, 40, 1 << 28)
    struct.pack_into("<HHHH", head, 54, 56, 1000, 64, 60_000)
    big = 1 << 28
    rows = [(LOAD, 5, 0, 0, 0, big, big, 1), (LOAD, 4, 1 << 24, 1 << 24, 0, big, big, 1)]
    for kind, length in ((INTERPRETER, 4096), (NOTE, 1 << 16), (DYNAMIC, 1 << 20)):
        rows += [(kind, 4, place << 20, 0, 0, length, 0, 4) for place in range(100, 350)]
    return bytes(head) + b"".join(struct.pack("<IIQQQQQQ", *row) for row in rows).ljust(56_000, b"\0")


def test_memory_stays_bounded() -> None:
    head = greedy()
    length = 400 << 20
    watcher = ElfFiles().watch(Entry("f", FILE, length), head[:4096])
    assert watcher is not None
    chunk = bytes(1 << 20)
    tracemalloc.start()
    watcher.feed(head)
    for _ in range(length - len(head) >> 20):
        watcher.feed(bytes(bytearray(chunk)))
    watcher.feed(bytes((length - len(head)) % (1 << 20)))
    found = watcher.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20
    assert len(json.dumps(found)) < 10_000


def test_names_that_overlap_do_not_fill_the_fact() -> None:
    """Thousands of libraries that all have one long name."""
    data = written(needed=[b"x" * 4000] + [b""] * 5000)
    rows = data.index(struct.pack("<QQ", 1, 1))
    patched = bytearray(data)
    for number in range(5000):
        struct.pack_into("<QQ", patched, rows + 16 * number, 1, 1)
    found = fact(bytes(patched))
    assert found["partial"] is True
    assert len(json.dumps(found)) < 1 << 20
