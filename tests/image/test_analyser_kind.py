"""Kinds of files: real ones, made here by the programs and libraries whose formats they are, and what only looks so."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import marshal
import pickle
import py_compile
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from image_helpers import make_image
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.analysers.kind import _SIGNATURES, NAME, Kinds, file_kind
from pytest_mediaimage.image.build import Item
from pytest_mediaimage.image.sources.demo import find_ffmpeg


def kind(data: bytes, name: str = "opt/x") -> str | None:
    return file_kind(name, data[:4096], len(data))


def a_zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return out.getvalue()


def a_tar(format: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


def member(name: bytes, data: bytes) -> bytes:
    """A member of an ar archive (ar(5))."""
    head = b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o644, len(data))
    return head + data + b"\n" * (len(data) % 2)


def sqlite() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (x)")
    return connection.serialize()


def bytecode(mode: py_compile.PycInvalidationMode) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder, "a.py"), Path(folder, "a.pyc")
        source.write_text("x = 1\n")
        py_compile.compile(str(source), cfile=str(compiled), invalidation_mode=mode)
        return compiled.read_bytes()


def safetensors() -> bytes:
    """As its README describes: the header's length, the header, the tensors."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def numpy_array() -> bytes:
    out = io.BytesIO()
    numpy.save(out, numpy.zeros(3))
    return out.getvalue()


def font_table(tag: bytes, flavour: bytes) -> bytes:
    """OpenType's table directory, with one table."""
    return flavour + struct.pack(">HHHH", 1, 16, 0, 0) + tag + struct.pack(">III", 0, 28, 4) + bytes(4)


MODES = py_compile.PycInvalidationMode
REAL: dict[str, tuple[Callable[[], bytes], str]] = {
    "elf": (ElfWriter().write, "elf"),
    "script": (lambda: b"#!/bin/sh\nexit 0\n", "script /bin/sh"),
    "script-env": (lambda: b"#! /usr/bin/env -S python3 -u\n", "script /usr/bin/env -S python3 -u"),
    "script-crlf": (lambda: b"#!/bin/sh\r\n", "script /bin/sh"),
    "script-without-end": (lambda: b"#!/bin/sh", "script /bin/sh"),
    "library": (lambda: b"!<arch>\n" + member(b"a.o/", ElfWriter(kind=1).write()), "ar"),
    "thin": (lambda: b"!<thin>\n", "ar"),
    "deb": (lambda: b"!<arch>\n" + member(b"debian-binary", b"2.0\n"), "deb"),
    "rpm": (lambda: b"\xed\xab\xee\xdb\x03\x00" + bytes(90), "rpm"),
    "zip": (lambda: a_zip("a", "META-INF/MANIFEST.MF"), "zip"),
    "zip-empty": (a_zip, "zip"),
    "jar": (lambda: a_zip("META-INF/MANIFEST.MF", "a.class"), "jar"),
    "x.whl": (lambda: a_zip("x/__init__.py", "x-1.dist-info/METADATA"), "wheel"),
    "x.jar": (lambda: a_zip("a.class"), "jar"),
    "torch": (lambda: a_zip("archive/data.pkl", "archive/data/0"), "pytorch"),
    "torch-before-1.6": (lambda: pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2), "pytorch"),
    "pickle": (lambda: pickle.dumps({"a": [1, 2]}, protocol=4), "pickle"),
    "pickle-5": (lambda: pickle.dumps({"a": [1, 2]}, protocol=5), "pickle"),
    "tar-pax": (lambda: a_tar(tarfile.PAX_FORMAT), "tar"),
    "tar-gnu": (lambda: a_tar(tarfile.GNU_FORMAT), "tar"),
    "gzip": (lambda: gzip.compress(b"x"), "gzip"),
    "zstd": (lambda: zstandard.compress(b"x"), "zstd"),
    "xz": (lambda: lzma.compress(b"x"), "xz"),
    "bzip2": (lambda: bz2.compress(b"x"), "bzip2"),
    "bzip2-empty": (lambda: bz2.compress(b""), "bzip2"),
    "7z": (lambda: b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(30), "7z"),
    "sqlite": (sqlite, "sqlite"),
    "pyc": (lambda: bytecode(MODES.TIMESTAMP), "python-bytecode"),
    "pyc-by-hash": (lambda: bytecode(MODES.CHECKED_HASH), "python-bytecode"),
    "pyc-unchecked": (lambda: bytecode(MODES.UNCHECKED_HASH), "python-bytecode"),
    "truetype": (lambda: font_table(b"cmap", b"\0\1\0\0"), "font"),
    "opentype": (lambda: font_table(b"CFF ", b"OTTO"), "font"),
    "collection": (lambda: b"ttcf\0\1\0\0" + bytes(20), "font"),
    "woff": (lambda: b"wOFF\0\1\0\0" + bytes(40), "font"),
    "woff2": (lambda: b"wOF2OTTO" + bytes(40), "font"),
    "gguf": (lambda: b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "gguf"),
    "gguf-big-endian": (lambda: b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "gguf"),
    "safetensors": (safetensors, "safetensors"),
    "tflite": (lambda: b"\x1c\0\0\0TFL3" + bytes(40), "tflite"),
    "x.onnx": (lambda: b"\x08\x08\x12\x07pytorch" + bytes(40), "onnx"),
    "whisper": (lambda: b"lmgg" + struct.pack("<IIII", 51865, 1500, 512, 8), "ggml"),
    "modules": (lambda: b"\xda\xda\xfe\xca\0\0\1\0" + bytes(20), "jimage"),
    ".DS_Store": (lambda: b"\0\0\0\1Bud1\0\0\x10\0" + bytes(20), "ds-store"),
    "._a": (lambda: b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(20), "apple-double"),
    ".a.swp": (lambda: b"b0VIM 9.0\0\0\0\0\x10\0\0", "vim-swap"),
    "hdf5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(90), "hdf5"),
    "numpy": (numpy_array, "numpy"),
    "tensorrt": (lambda: b"ptrt\xe8\0\0\0" + bytes(90), "tensorrt"),
    "key": (lambda: b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "pem RSA PRIVATE KEY"),
    "certificate": (lambda: b"-----BEGIN CERTIFICATE-----\nMIIE\n", "pem CERTIFICATE"),
    "putty": (lambda: b"PuTTY-User-Key-File-3: ssh-ed25519\n", "putty-key"),
    "keystore": (lambda: b"\xfe\xed\xfe\xed\0\0\0\2" + bytes(20), "java-keystore"),
    "class": (lambda: b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(20), "java-class"),
    "wasm": (lambda: b"\0asm\1\0\0\0", "wasm"),
    "pe": (lambda: b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(20), "pe"),
    "mach-o": (lambda: b"\xcf\xfa\xed\xfe\x07\0\0\1" + bytes(20), "mach-o"),
    "mach-o-fat": (lambda: b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(20), "mach-o"),
    "pcap": (lambda: struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), "pcap"),
    "pcapng": (lambda: struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28), "pcap"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20), "png"),
    "webp": (lambda: b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0" + bytes(14), "webp"),
    "heif": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(9), "heif"),
}
PICTURES = {"jpg": "jpeg", "gif": "gif", "avif": "avif"}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str) -> None:
    make, expected = REAL[name]
    assert kind(make(), name) == expected


@pytest.mark.parametrize("suffix", PICTURES)
def test_pictures_made_by_ffmpeg(suffix: str, tmp_path: Path) -> None:
    # In a process of its own: as root SVT-AV1 gives the process that it runs in a real-time priority, for good.
    command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96", "-frames:v", "1"]
    options = ["-c:v", "libsvtav1", "-preset", "12"] if suffix == "avif" else []
    subprocess.run([*map(str, command), *options, tmp_path / f"a.{suffix}"], check=True)
    assert kind((tmp_path / f"a.{suffix}").read_bytes()) == PICTURES[suffix]


def test_every_kind_has_a_real_file() -> None:
    seen = {expected.split()[0] for _, expected in REAL.values()} | set(PICTURES.values())
    assert {name for name, _ in _SIGNATURES} <= seen


def test_what_the_compiler_makes(tmp_path: Path) -> None:
    if not (shutil.which("gcc") and shutil.which("ar")):
        pytest.skip("there is no compiler")
    (tmp_path / "a.c").write_text("int a(void) { return 1; }\n")
    subprocess.run(["gcc", "-c", "-o", tmp_path / "a.o", tmp_path / "a.c"], check=True)
    subprocess.run(["ar", "rcs", tmp_path / "liba.a", tmp_path / "a.o"], check=True)
    assert kind((tmp_path / "a.o").read_bytes()) == "elf"
    assert kind((tmp_path / "liba.a").read_bytes()) == "ar"


def test_a_package_made_by_dpkg(tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("there is no dpkg-deb")
    control = tmp_path / "p" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True, mode=0o755)
    control.write_text("Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m <m@example.com>\nDescription: d\n")
    subprocess.run(["dpkg-deb", "--build", tmp_path / "p", tmp_path / "p.deb"], check=True, capture_output=True)
    assert kind((tmp_path / "p.deb").read_bytes()) == "deb"


NOTHING: dict[str, bytes] = {
    "empty": b"",
    "text": b"The quick brown fox.\n",
    "zeros": bytes(4096),
    "ones": b"\xff" * 4096,
    "MZ-in-text": b"MZ is how programs for DOS begin, by Mark Zbikowski's initials. " * 20,
    "rust": b"#![feature(test)]\nfn main() {}\n",
    "heading": b"#! not a path\n",
    "BZh-in-text": b"BZh9 is a magic\n",
    "GGUF-in-text": b"GGUF is a file format\n",
    "OTTO-in-text": b"OTTO and his dog went to the park.\n",
    "ptrt-in-text": b"ptrt stands for nothing in particular\n",
    "ttcf-in-text": b"ttcf is a magic\n",
    "pem-in-text": b"-----BEGIN with a capital letter\n",
    "dashes": b"-----BEGIN -----\n",
    "json": b'{"a": 1}',
    "json-at-8": b'        {"a": 1}' + b" " * 100,
    "crlf": b"ab\r\nsome text of Windows\r\n" * 9,
    "wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
    "mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(100),
    "access": b"\0\1\0\0Standard Jet DB\0" + bytes(100),
    "protobuf": b"\x08\x08\x12\x07pytorch" + bytes(40),
    "ustar-elsewhere": b"x" * 256 + b"ustar",
    "safetensors-longer-than-the-file": struct.pack("<Q", 5000) + b'{"a":1}',
    "marshal": marshal.dumps({"a": 1}),
}


@pytest.mark.parametrize("name", NOTHING)
def test_no_fact(name: str) -> None:
    assert kind(NOTHING[name]) is None


def test_sources_of_this_python_get_no_fact() -> None:
    sources = sorted(Path(random.__file__).parent.glob("*.py"))[:150]
    found = {path.name: kind(path.read_bytes(), path.name) for path in sources}
    assert len(found) > 100
    assert all(said is None or said.startswith("script /") for said in found.values())
    assert kind(Path(sys.executable).read_bytes()) == "elf"


def test_found_in_layers(tmp_path: Path) -> None:
    items = [Item("a.txt", b"text"), Item("b.db", sqlite()), Item("c", b"#!/bin/sh\n"), Item("d", b"")]
    (layer,) = make_image(tmp_path / "l", [items], analysers=[Kinds()]).layer_facts
    found = {layer.entries[ordinal].path: said for ordinal, said in layer.found[NAME].items()}
    assert found == {"b.db": "sqlite", "c": "script /bin/sh"}


@given(st.sampled_from([magic for _, magic in _SIGNATURES] + [b"", b"1234ftyp", b"ab\r\n"]), st.binary(max_size=600))
def test_any_bytes(start: bytes, rest: bytes) -> None:
    known = {name for name, _ in _SIGNATURES} | {word.split()[0] for _, word in REAL.values()} | {"avif"}
    said = kind(start + rest, "x.onnx")
    assert said is None or said.split()[0] in known
