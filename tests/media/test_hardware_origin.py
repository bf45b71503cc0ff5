"""Family, driver and FFmpeg of a hardware encode, from lines that FFmpeg printed on hardware elsewhere, and from files
of the kernel's as they are documented; no card is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.media.hardware import origin
from pytest_mediaimage.media.hardware.origin import Origin, origin_of

NODE = "/dev/dri/renderD128"
IHD = "[AVHWDeviceContext @ 0x55d7] VAAPI driver: Intel iHD driver for Intel(R) Gen Graphics - 25.3.4 ().\n"
I965 = "[AVHWDeviceContext @ 0x1] VAAPI driver: Intel i965 driver for Intel(R) Coffee Lake - 2.4.1.\n"
MESA = (
    "[AVHWDeviceContext @ 0x1] VAAPI driver: Mesa Gallium driver 23.1.3 for AMD Radeon RX 6600 "
    "(navi23, LLVM 15.0.7, DRM 3.52, 6.3.8-arch1-1).\n"
)
MESA_NEWER = MESA.replace("23.1.3", "24.2.8-1").replace("(navi23", "(radeonsi, navi23").replace("DRM 3.52", "ACO")
MESA_OLDER = MESA.replace("23.1.3", "20.2.6").replace("(navi23, LLVM 15.0.7, DRM 3.52", "(POLARIS10, DRM 3.38.0")
CUDA = (
    "[h264_nvenc @ 0x1] Loaded Nvenc version 12.2\n"
    "[h264_nvenc @ 0x1] [ GPU #0 - < Tesla M40 > has Compute SM 5.2 ]\n"
    "[h264_nvenc @ 0x1] [ GPU #1 - < NVIDIA L4 > has Compute SM 8.9 ]\n"
)
NVRM = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version: 12.2.0\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build  (dvs-builder@U16)\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Files of the kernel's with a card of NVIDIA and one of Intel."""
    for name, text in (
        ("proc/driver/nvidia/version", NVRM),
        ("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA L4\nIRQ:   \t\t 60\n"),
        ("sys/class/drm/renderD128/device/device", "0x9a49\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("backend", "log", "family", "driver"),
    [
        ("cuda", CUDA, "nvidia ada", "550.54.14"),
        ("cuda", "nothing of the card", "nvidia l4", "550.54.14"),
        ("vaapi", IHD, "intel 9a49", "iHD 25.3.4"),
        ("qsv", IHD, "intel 9a49", "iHD 25.3.4"),
        ("vaapi", I965, "intel coffee lake", "i965 2.4.1"),
        ("vaapi", MESA, "amd navi23", "Mesa 23.1.3"),
        ("vaapi", MESA_NEWER, "amd navi23", "Mesa 24.2.8-1"),
        ("vaapi", MESA_OLDER, "amd polaris10", "Mesa 20.2.6"),
        ("vaapi", "", "unknown", "unknown"),
        ("vulkan", "Device 0 selected: AMD Radeon RX 6600 (RADV NAVI23) (discrete) (0x73ff)", "radv navi23", "unknown"),
        ("vulkan", "Device 0 selected: NVIDIA L4 (discrete) (0x27b8)", "nvidia l4", "550.54.14"),
        ("posed", CUDA, "posed", "unknown"),
    ],
)
def test_family_and_driver(machine: Path, backend: str, log: str, family: str, driver: str) -> None:
    found = origin_of(backend, log, NODE, "5.1.9-0+deb12u1", root=machine)
    assert (found.family, found.driver, found.ffmpeg) == (family, driver, "5.1")
    assert found.machine == f"{family}/{driver}"
    assert found.known == ("unknown" not in found.machine)


def test_the_open_kernel_module_says_it_in_other_words(machine: Path) -> None:
    (machine / "proc/driver/nvidia/version").write_text(OPEN)
    assert origin_of("cuda", CUDA, NODE, "n9.0.2", root=machine) == Origin("nvidia ada", "565.57.01", "9.0")


def test_of_two_kinds_of_card_none_is_guessed(machine: Path) -> None:
    other = machine / "proc/driver/nvidia/gpus/0000:02:00.0/information"
    other.parent.mkdir()
    other.write_text("Model: \t\t NVIDIA A10\n")
    assert origin_of("cuda", "", NODE, None, root=machine) == Origin("unknown", "550.54.14", "unknown")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("NVIDIA A10, 8.6, 550.54.14\nNVIDIA A10, 8.6, 550.54.14", Origin("nvidia ampere", "550.54.14", "8.1")),
        ("NVIDIA A10, 8.6, 550.54.14\nNVIDIA L4, 8.9, 550.54.14", Origin("unknown", "550.54.14", "8.1")),
        ("NVIDIA GB400, 13.0, 700.1", Origin("nvidia gb400", "700.1", "8.1")),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", Origin(ffmpeg="8.1")),
    ],
)
def test_nvidia_smi_is_asked_where_nothing_else_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, expected: Origin
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert not Path("/proc/driver/nvidia/version").exists(), "this machine has a card: its own driver counts"
    assert origin_of("cuda", "", NODE, "8.1") == expected


def test_one_that_hangs_isn_t_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(origin, "_SMI_SECONDS", 0.2)
    assert origin_of("cuda", "", NODE, "8.1") == Origin(ffmpeg="8.1")


def test_words_of_a_log_can_t_break_a_key() -> None:
    found = origin_of("vulkan", 'Device 0 selected: a"/b{}\\ (RADV x (discrete) (0x1)', NODE, "8.1")
    assert "/" not in found.family and '"' not in found.family


def test_the_encoder_s_part_of_the_key() -> None:
    known = Origin("nvidia ada", "550.54.14", "8.1")
    assert known.encoder("Lavc62.28.100 h264_nvenc") == known.encoder("Lavc h264_nvenc") == "h264_nvenc FFmpeg 8.1"
