"""FFmpeg's words and what they mean; the logs in fixtures/hardware are of real builds on a machine without hardware."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.media.hardware.diagnosis import Verdict, diagnose, software_device
from pytest_mediaimage.media.hardware.paths import PATHS

LOGS = sorted((Path(__file__).parents[2] / "fixtures" / "hardware").glob("*.log"))
MEANING = {
    "nvenc": "there is no NVIDIA runtime",
    "nvdec": "there is no NVIDIA runtime",
    "vaapi": "the render node isn't in the container",
    "qsv": "the render node isn't in the container",
    "vulkan": "Vulkan finds no driver in the image",
}


def path_of(log: Path) -> str:
    return log.name.split(".")[2].partition("-")[0]


def test_every_build_and_path_is_recorded_with_its_command() -> None:
    assert {path_of(log) for log in LOGS} == set(PATHS)
    assert {log.name.split(".")[0] for log in LOGS} == {"debian-5", "static-8", "imageio-9"}
    for log in LOGS:
        text = log.read_text()
        assert text.startswith("$ ffmpeg -nostdin ") and "\nexit code " in text and "exit code 0" not in text


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_recorded_failure_is_understood(log: Path) -> None:
    text, path = log.read_text(), path_of(log)
    found = diagnose(PATHS[path].backend, text)
    assert found is not None, text
    if "lavapipe" in log.name:
        assert found.verdict is Verdict.SOFTWARE and "llvmpipe" in found.meaning
        assert "llvmpipe" in str(software_device(text))
    elif log.name.startswith("static"):
        assert found.meaning.startswith("FFmpeg was built without")
    else:
        assert found.verdict is Verdict.BROKEN and found.meaning.startswith(MEANING[path])
        assert found.words in text.replace(" @ 0x0", "") and software_device(text) is None


# Not seen on this project's machines: the words are those of FFmpeg's sources and of bug reports.
WORDS = [
    ("cuda", "[h264_nvenc @ 0x1] Cannot load libnvidia-encode.so.1", "the driver capability `video` is missing"),
    ("cuda", "[h264_nvenc @ 0x1] Cannot load libnvcuvid.so.1", "the driver capability `video` is missing"),
    ("cuda", "cu->cuInit(0) failed -> CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected", "no device node"),
    ("cuda", "cuDeviceGet failed -> CUDA_ERROR_INVALID_DEVICE: invalid device ordinal", "no card of that number"),
    ("cuda", "Failed to initialize NVML: Unknown Error", "lost its rights"),
    (
        "cuda",
        "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)",
        "no more encode sessions",
    ),
    ("cuda", "OpenEncodeSessionEx failed: incompatible client key (21): (no details)", "incompatible client key (21)"),
    ("vaapi", "libva error: /usr/lib/dri/iHD_drv_video.so init failed", "driver for this card is missing"),
    ("vaapi", "[AVHWDeviceContext @ 0x1] Failed to initialise VAAPI connection: -1 (unknown)", "driver for this card"),
    ("vaapi", "[h264_vaapi @ 0x1] No usable encoding profile found.", "offers no encoder for this codec"),
    ("vaapi", "[h264_vaapi @ 0x1] No usable encoding entrypoint found for profile 7 (7).", "offers no encoder"),
    ("vaapi", "[h264 @ 0x1] Codec h264 profile 100 not supported for hardware decode.", "offers no decoder"),
    ("vaapi", "[AVHWDeviceContext @ 0x1] Cannot open a VA display from DRM device /dev/fuse.", "isn't a card's"),
    ("qsv", "[h264_qsv @ 0x1] Error creating a MFX session: -9.", "runtime of Quick Sync is missing"),
    ("qsv", "[av1_qsv @ 0x1] Error initializing the encoder: unsupported (-3)", "no encoder for it"),
    ("cuda", "[hevc_nvenc @ 0x1] 10 bit encode not supported", "can't encode ten bits"),
    ("vulkan", "Device does not support the VK_KHR_video_decode_queue extension!", "VK_KHR_video_decode_queue"),
    ("vulkan", "Failed setup for format vulkan: hwaccel initialisation returned error.", "went on in software"),
    ("cuda", "Device creation failed: -542398533.", "error -542398533"),
    ("cuda", "[h264_nvenc @ 0x1] EncodePicture failed!: generic error (20)", "stopped in the middle of the work"),
    ("cuda", "cu->cuCtxSynchronize() failed -> CUDA_ERROR_ECC_UNCORRECTABLE: x", "stopped in the middle"),
    ("qsv", "[h264_qsv @ 0x1] Error during QSV decoding.: device failed (-17)", "stopped in the middle of the work"),
    ("qsv", "[hevc_qsv @ 0x1] Error during encoding: unknown error (-21)", "stopped in the middle of the work"),
    ("vaapi", "[h264_vaapi @ 0x1] Failed to end picture encode issue: 1 (operation failed).", "stopped in the middle"),
    (
        "vaapi",
        "[h264_vaapi @ 0x1] Failed to sync to picture completion: 1 (operation failed).",
        "stopped in the middle",
    ),
    ("vulkan", "[AVHWDeviceContext @ 0x1] Unable to submit command buffer: VK_ERROR_DEVICE_LOST", "stopped in the"),
    ("cuda", "[hevc @ 0x1] Hardware is lacking required capabilities", "no decoder for this codec"),
    ("cuda", "[hevc @ 0x1] Codec hevc is not supported with this chroma format.", "no decoder for this codec"),
    ("qsv", "[hevc_qsv @ 0x1] Error initializing the MFX video decoder: unsupported (-3)", "no decoder for this codec"),
    ("vulkan", "[hevc @ 0x1] Decoding of hevc is not supported by this device", "offers no decoder for this codec"),
]


@pytest.mark.parametrize(("backend", "words", "meaning"), WORDS)
def test_words_that_were_not_seen_here(backend: str, words: str, meaning: str) -> None:
    found = diagnose(backend, f"before\n{words}\nafter")
    assert found is not None and meaning in found.meaning and found.fix
    assert found.words == words.replace(" @ 0x1", "")


def test_a_driver_that_is_too_old_is_told_with_both_versions() -> None:
    found = diagnose("cuda", "Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1\n")
    assert found is not None and "NVENC 13.0 is asked for, the driver has 12.1" in found.meaning


def test_a_card_without_nvenc_is_absent_and_not_broken() -> None:
    log = "OpenEncodeSessionEx failed: unsupported device (2): (no details)\nNo capable devices found\n"
    found = diagnose("cuda", log)
    assert found is not None and found.verdict is Verdict.ABSENT and "A100 and H100" in found.meaning


def test_what_another_codec_may_be_spared_is_told_apart() -> None:
    codec, driver = (
        diagnose("vaapi", words)
        for words in ("No usable encoding profile found.", "Failed to initialise VAAPI connection: -1")
    )
    assert codec is not None and codec.of_codec
    assert driver is not None and not driver.of_codec


@pytest.mark.parametrize("backend", ["vaapi", "qsv", "vulkan"])
def test_words_of_another_backend_mean_nothing(backend: str) -> None:
    assert diagnose(backend, "[CUDA @ 0x1] Cannot load libcuda.so.1\n") is None


def test_the_cause_is_told_and_not_what_follows_from_it() -> None:
    log = "Cannot load libnvidia-encode.so.1\nDevice creation failed: -1.\n"
    found = diagnose("cuda", log)
    assert found is not None and "`video`" in found.meaning


def test_a_real_vulkan_device_is_no_software_one() -> None:
    assert (
        software_device("[Vulkan @ 0x1] Device 0 selected: AMD Radeon RX 6600 (RADV NAVI23) (discrete) (0x73ff)")
        is None
    )
