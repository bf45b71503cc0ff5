"""`contents.kernel-drivers`: the host's kernel and its drivers."""

from __future__ import annotations

import lzma

import zstandard
from layer_images import Judge, judge, messages

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Status

__all__ = ["judge"]


def relocatable(machine: int = 62, info: bytes = b"") -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00" + bytes([machine, 0]) + bytes(44) + b"\0" + info


MODULE = relocatable(info=b"license=GPL\0vermagic=6.1.0-18-amd64 SMP\0")


def installed(*items: Item) -> BuiltLayer:
    return layer(items, "RUN apt-get install nvidia-dkms", compression="none")


def test_a_module_of_any_name_and_compression_fails(judge: Judge) -> None:
    items = [
        Item("opt/driver.bin", MODULE),
        Item("opt/a.ko.xz", lzma.compress(MODULE)),
        Item("srv/b.ko.zst", zstandard.compress(MODULE)),
    ]
    result = judge("contents.kernel-drivers", [installed(*items)])
    assert (result.status, result.measured) == (Status.FAILED, 3)
    assert {finding.file for finding in result.findings} == {"/opt/driver.bin", "/opt/a.ko.xz", "/srv/b.ko.zst"}
    assert result.findings[0].created_by == "RUN apt-get install nvidia-dkms"


def test_a_tree_of_modules_is_one_finding(judge: Judge) -> None:
    items = [Item(f"lib/modules/6.1.0-18/kernel/{number}.ko", MODULE) for number in range(40)]
    items += [Item(f"lib/firmware/nvidia/{number}.bin", b"\1\2" * 500) for number in range(3)]
    result = judge("contents.kernel-drivers", [installed(*items)])
    modules, firmware = sorted(finding.message for finding in result.findings)[::-1]
    assert modules.startswith("/lib/modules/6.1.0-18 has 40 times a kernel module, such as")
    assert firmware.startswith("/lib/firmware has 3 times firmware, such as") and "(3 kB in all)" in firmware


def test_driver_sources_weigh_what_their_tree_weighs(judge: Judge) -> None:
    items = [Item("usr/src/nvidia-550.54/dkms.conf", b"x" * 10), Item("usr/src/nvidia-550.54/nv.c", b"x" * 5000)]
    result = judge("contents.kernel-drivers", [installed(*items, Item("usr/src/app/main.c", b"x" * 900))])
    (finding,) = result.findings
    assert (finding.file, finding.bytes) == ("/usr/src/nvidia-550.54", 5010)
    assert "the source of a kernel driver" in finding.message


def test_a_kernel_fails(judge: Judge) -> None:
    image = bytes(514) + b"HdrS" + bytes(2000)
    result = judge("contents.kernel-drivers", [installed(Item("boot/vmlinuz-6.1", image))])
    assert messages(result) == "/boot/vmlinuz-6.1 is a kernel"


def test_a_deleted_module_is_told_as_such(judge: Judge) -> None:
    layers = [installed(Item("opt/a.ko", MODULE)), layer([Item("opt/.wh.a.ko")], "RUN rm /opt/a.ko")]
    assert "deleted or replaced by layer 2 but still pulled" in messages(judge("contents.kernel-drivers", layers))


def test_what_only_looks_like_a_driver_passes(judge: Judge) -> None:
    items = [
        Item("opt/notes.ko", b"vermagic=6.1 is in every module\n"),
        Item("usr/share/misc/modules.txt", b"nvidia.ko\n"),
        Item("opt/filter.bpf.o", relocatable(247, b"vermagic=6.1.0 SMP")),
        Item("opt/kernels.cubin", relocatable(190, b"vermagic=6.1.0 SMP")),
        Item("opt/main.o", relocatable(info=b"int main")),
        Item("usr/include/linux/videodev2.h", b"#define X\n"),
        Item("usr/share/doc/linux-firmware/README", b"text\n"),
        Item("etc/modprobe.d/blacklist.conf", b"blacklist nouveau\n"),
    ]
    result = judge("contents.kernel-drivers", [installed(*items)])
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 0, [])


def test_what_the_policy_allows_passes(judge: Judge) -> None:
    layers = [installed(Item("opt/driver/a.ko", MODULE))]
    assert judge("contents.kernel-drivers", layers, contents_allow=("/opt/driver/*",)).status is Status.PASSED
