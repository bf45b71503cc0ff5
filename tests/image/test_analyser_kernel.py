"""Kernel modules, firmware and driver sources."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import struct
import subprocess
import time
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from image_helpers import make_image

from pytest_mediaimage.image.analysers.kernel import NAME, KernelDrivers
from pytest_mediaimage.image.build import Item
from pytest_mediaimage.image.entries import FILE, Entry

VERMAGIC = b"license=GPL\0vermagic=6.1.0-18-amd64 SMP preempt mod_unload modversions \0"


def elf(info: bytes, *, kind: int = 1, big_endian: bool = False, code: int = 5000) -> bytes:
    """An ELF64 file with a code section and a .modinfo section; kind 1 is ET_REL, 3 ET_DYN (System V ABI, gABI 4)."""
    order = ">" if big_endian else "<"
    names = b"\0.text\0.modinfo\0.shstrtab\0"
    text = b"\xcc" * code
    body = text + info + names
    at = 64
    sections = [
        struct.pack(order + "IIQQQQIIQQ", *([0] * 10)),
        struct.pack(order + "IIQQQQIIQQ", 1, 1, 6, 0, at, len(text), 0, 0, 1, 0),
        struct.pack(order + "IIQQQQIIQQ", 7, 1, 2, 0, at + len(text), len(info), 0, 0, 1, 0),
        struct.pack(order + "IIQQQQIIQQ", 16, 3, 0, 0, at + len(text) + len(info), len(names), 0, 0, 1, 0),
    ]
    identity = b"\x7fELF\x02" + (b"\x02" if big_endian else b"\x01") + b"\x01" + bytes(9)
    fields = (kind, 62, 1, 0, 0, at + len(body), 0, 64, 0, 0, 64, len(sections), 3)
    return identity + struct.pack(order + "HHIQQQIHHHHHH", *fields) + body + b"".join(sections)


def test_the_elf_files_made_here_are_some(tmp_path: Path) -> None:
    program = shutil.which("readelf")
    if program is None:
        pytest.skip("there is no readelf to check them with")
    (tmp_path / "x.ko").write_bytes(elf(VERMAGIC))
    said = subprocess.run(
        [program, "-h", "-S", "-p", ".modinfo", tmp_path / "x.ko"], check=True, capture_output=True, text=True
    )
    assert "REL (Relocatable file)" in said.stdout
    assert "vermagic=6.1.0-18-amd64" in said.stdout
    assert said.stderr == ""


def facts(folder: Path, *items: Item) -> dict[str, str]:
    (layer,) = make_image(folder / "l", [list(items)], analysers=[KernelDrivers()]).layer_facts
    return {layer.entries[ordinal].path: fact for ordinal, fact in layer.found.get(NAME, {}).items()}


KO = elf(VERMAGIC)
LARGE = elf(VERMAGIC, code=3_000_000)
MODULES = {
    "lib/modules/6.1.0/kernel/drivers/nvidia.ko": KO,
    "opt/vendor/driver.bin": KO,
    "large.ko": LARGE,
    "big-endian.ko": elf(VERMAGIC, big_endian=True),
    # the word lies across the border of two pieces in which a layer is read
    "border.ko": elf(VERMAGIC, code=256 * 1024 - 64 - 16),
    "x.ko.gz": gzip.compress(LARGE),
    "x.ko.xz": lzma.compress(LARGE, check=lzma.CHECK_CRC32),
    "x.ko.zst": zstandard.compress(LARGE),
    "random.ko.zst": zstandard.compress(elf(VERMAGIC + os.urandom(100_000), code=10)),
}
OTHERS = {
    "main.o": elf(b"\0"),
    "lib.so": elf(VERMAGIC, kind=3),
    "modinfo": elf(VERMAGIC, kind=2),
    "bpf.o": KO[:18] + (247).to_bytes(2, "little") + KO[20:],
    "cubin.o": KO[:18] + (190).to_bytes(2, "little") + KO[20:],
    "modpost.o": elf(b"license=\0vermagic=%s\0"),
    "notes.ko": b"vermagic= is what modules hold",
    "text.ko.xz": b"not compressed at all, and no module",
    "object.ko.gz": gzip.compress(elf(b"\0")),
    "cut.ko.gz": gzip.compress(os.urandom(5000))[:2000],
    "damaged.ko.xz": lzma.compress(os.urandom(5000))[:40] + b"damage" * 100,
    "damaged.ko.zst": zstandard.compress(os.urandom(5000))[:40] + b"damage" * 100,
    "wrong.ko.zst": gzip.compress(b"x"),
    "tutor.ko": "안녕하세요".encode(),
    "empty.ko": b"",
}


def test_modules(tmp_path: Path) -> None:
    found = facts(tmp_path, *(Item(path, data) for path, data in (MODULES | OTHERS).items()))
    assert found == dict.fromkeys(MODULES, "a kernel module")


def test_a_real_object_file(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, plain, module = tmp_path / "a.c", tmp_path / "plain.o", tmp_path / "module.o"
    source.write_text("int answer(void) { return 42; }\n")
    subprocess.run([compiler, "-c", "-o", plain, source], check=True)
    with source.open("a") as file:
        file.write('static const char info[] __attribute__((section(".modinfo"), used)) = "vermagic=6.1 SMP";\n')
    subprocess.run([compiler, "-c", "-o", module, source], check=True)
    found = facts(tmp_path, Item("plain.o", plain.read_bytes()), Item("module.o", module.read_bytes()))
    assert found == {"module.o": "a kernel module"}


def test_what_goes_by_its_place(tmp_path: Path) -> None:
    found = facts(
        tmp_path,
        Item("lib/firmware/nvidia/535/gsp.bin", b"x"),
        Item("usr/lib/firmware/i915/dg2.bin", b"x"),
        Item("usr/share/firmware/readme", b"x"),
        Item("usr/lib/firmware/LICENSE.i915", b"x"),
        Item("usr/lib/firmware/README.md", b"x"),
        Item("usr/src/kernels/5.14.0-427.el9.x86_64/Kconfig", b"x"),
        Item("var/lib/dkms/nvidia/535.0/source/dkms.conf", b"x"),
        Item("opt/driver/Kbuild", b"NAME = nv\nobj-m += nv.o\n"),
        Item("opt/app/Makefile", b"all:\n\tcc -c obj-m.c\n"),
        Item("usr/share/misc/modules.txt", b"vermagic=6.1.0 is what modules.txt tells of\n"),
        Item("boot/vmlinuz", bytes(514) + b"HdrS" + bytes(3000)),
        Item("boot/config-6.1", b"CONFIG_X86=y\n"),
        Item("usr/src/nvidia-535.0/dkms.conf", b"x"),
        Item("usr/src/linux-headers-6.1/Kconfig", b"x"),
        Item("usr/src/app/main.c", b"x"),
        Item("root/NVIDIA-Linux-x86_64-535.run", b"x"),
        Item("root/setup.run", b"x"),
    )
    assert found == {
        "lib/firmware/nvidia/535/gsp.bin": "firmware",
        "usr/lib/firmware/i915/dg2.bin": "firmware",
        "usr/src/kernels/5.14.0-427.el9.x86_64/Kconfig": "the source of a kernel driver",
        "var/lib/dkms/nvidia/535.0/source/dkms.conf": "the source of a kernel driver",
        "opt/driver/Kbuild": "the source of a kernel driver",
        "boot/vmlinuz": "a kernel",
        "usr/src/nvidia-535.0/dkms.conf": "the source of a kernel driver",
        "usr/src/linux-headers-6.1/Kconfig": "the source of a kernel driver",
        "root/NVIDIA-Linux-x86_64-535.run": "an installer of kernel drivers",
    }


def run_length_frame(gigabytes: int) -> bytes:
    """Zstandard's densest: each block of 4 bytes becomes 128 KiB (RFC 8878, section 3.1.1.2)."""
    header = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x38"  # no length, a window of 128 KiB
    block = (131072 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return header + block * (gigabytes * 8192)


def bomb(kind: str) -> bytes:
    plain = bytes(1 << 20)
    if kind == "gz":
        return gzip.compress(plain * 100)
    if kind == "xz":
        return lzma.compress(plain * 100, preset=1)
    return run_length_frame(4)


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_compression_bombs_stay_bounded(kind: str) -> None:
    """Gigabytes of zeros called a module."""
    data = bomb(kind)
    watcher = KernelDrivers().watch(Entry(f"x.ko.{kind}", FILE, len(data)), data[:4096])
    assert watcher is not None
    started = time.monotonic()
    tracemalloc.start()
    try:
        for at in range(0, len(data), 262144):
            watcher.feed(data[at : at + 262144])
        assert watcher.finish() is None
        assert tracemalloc.get_traced_memory()[1] < 70 << 20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 20


def test_bytes_after_the_compressed_module_are_not_kept() -> None:
    data = gzip.compress(b"x" * 100)
    watcher = KernelDrivers().watch(Entry("x.ko.gz", FILE, 1 << 30), data)
    assert watcher is not None
    watcher.feed(data)
    rest = os.urandom(1 << 20)
    tracemalloc.start()
    try:
        for _ in range(40):
            watcher.feed(rest)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
