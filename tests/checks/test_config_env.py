"""`config.env`: what hides hardware, and what leads nowhere; and what NVIDIA's own images set."""

from __future__ import annotations

import planted
import pytest
from config_images import Judge, findings, judge

from pytest_mediaimage.image.build import Item

__all__ = ["judge"]

NVENC = {"transcode_paths": {"cpu": "required", "nvenc": "required"}}
VAAPI = {"transcode_paths": {"vaapi": "if-present"}}
BIN = [Item.directory("usr/bin"), Item("app", b"x")]
DRIVER = Item("usr/lib/x86_64-linux-gnu/dri/iHD_drv_video.so", b"x")


@pytest.mark.parametrize("env", [[], ["NVIDIA_DRIVER_CAPABILITIES=compute,utility"], ["NVIDIA_DRIVER_CAPABILITIES="]])
def test_a_promised_nvenc_needs_video(judge: Judge, env: list[str]) -> None:
    result = judge("config.env", BIN, Env=["NVIDIA_VISIBLE_DEVICES=all", *env], **NVENC)
    ((severity, message),) = findings(result)
    assert severity == "error" and "nvenc is promised" in message and "without `video`" in message


@pytest.mark.parametrize("value", ["compute,utility,video", "all", "video", "compute, video"])
def test_video_or_all_will_do(judge: Judge, value: str) -> None:
    env = [f"NVIDIA_DRIVER_CAPABILITIES={value}", "NVIDIA_VISIBLE_DEVICES=all"]
    assert findings(judge("config.env", BIN, Env=env, **NVENC)) == []


def test_an_old_cuda_image_gets_everything_unasked(judge: Judge) -> None:
    assert findings(judge("config.env", BIN, Env=["CUDA_VERSION=9.0"], **NVENC)) == []


def test_without_a_promise_capabilities_are_nobodys_business(judge: Judge) -> None:
    assert findings(judge("config.env", BIN, Env=["NVIDIA_DRIVER_CAPABILITIES=compute,utility"])) == []


def test_a_word_that_is_no_capability_fails(judge: Judge) -> None:
    ((severity, message),) = findings(judge("config.env", BIN, Env=["NVIDIA_DRIVER_CAPABILITIES=compute,nvenc"]))
    assert severity == "error" and "'nvenc', which is no capability" in message


def test_no_device_is_a_note(judge: Judge) -> None:
    env = ["NVIDIA_DRIVER_CAPABILITIES=all", "NVIDIA_VISIBLE_DEVICES=void"]
    ((severity, message),) = findings(judge("config.env", BIN, Env=env, **NVENC))
    assert severity == "note" and "NVIDIA_VISIBLE_DEVICES" in message


@pytest.mark.parametrize(("policy", "severity"), [({}, "warning"), (VAAPI, "error")])
@pytest.mark.parametrize(
    "env",
    ["LIBVA_DRIVER_NAME=i965", "LIBVA_DRIVERS_PATH=/usr/lib/aarch64-linux-gnu/dri", "LIBVA_DRIVERS_PATH=/usr/lib"],
)
def test_a_va_api_driver_that_is_not_there(judge: Judge, env: str, policy: dict, severity: str) -> None:
    ((found, message),) = findings(judge("config.env", [*BIN, DRIVER], Env=[env], **policy))
    assert found == severity and env.partition("=")[0] in message


def test_a_va_api_driver_that_is_there(judge: Judge) -> None:
    folder = "LIBVA_DRIVERS_PATH=/usr/lib/x86_64-linux-gnu/dri"
    for env in (["LIBVA_DRIVER_NAME=iHD"], ["LIBVA_DRIVER_NAME=iHD", folder], [folder], ["LIBVA_DRIVER_NAME="]):
        assert findings(judge("config.env", [*BIN, DRIVER], Env=env, **VAAPI)) == []


def test_what_nvidias_images_set_is_accepted(judge: Judge) -> None:
    env = [
        "PATH=/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64",
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        "NVIDIA_VISIBLE_DEVICES=all",
    ]
    assert findings(judge("config.env", [*BIN, Item.directory("usr/local/cuda/bin")], Env=env)) == []


@pytest.mark.parametrize(
    ("env", "severity", "words"),
    [
        ("PATH=/opt/ffmpeg/bin:/usr/bin", "note", "PATH holds /opt/ffmpeg/bin, which the image lacks"),
        ("PATH=/app:/usr/bin", "note", "PATH holds /app, which is no directory"),
        ("PATH=/usr/bin:.", "warning", "the working directory"),
        ("PATH=/usr/bin:/opt/open", "warning", "/opt/open, where every user may write (mode 0777)"),
        ("LD_LIBRARY_PATH=/opt/lib", "warning", "LD_LIBRARY_PATH holds /opt/lib, which the image lacks"),
        ("LD_LIBRARY_PATH=/usr/lib:", "warning", "an empty or relative part"),
        ("LD_PRELOAD=/usr/lib/libjemalloc.so.2", "warning", "/usr/lib/libjemalloc.so.2, which the image lacks"),
        ("LD_PRELOAD=libnone.so", "warning", "libnone.so, which the image lacks"),
    ],
)
def test_what_leads_nowhere(judge: Judge, env: str, severity: str, words: str) -> None:
    items = [*BIN, Item.directory("opt/open", mode=0o777), Item.directory("usr/lib")]
    ((found, message),) = findings(judge("config.env", items, Env=[env]))
    assert found == severity and words in message


def test_what_leads_somewhere(judge: Judge) -> None:
    items = [
        *BIN,
        Item("usr/lib/libjemalloc.so.2", b"x"),
        Item.symlink("opt/bin", "/usr/bin"),
        Item.directory("mine", 0o775),
    ]
    env = ["PATH=/usr/bin:/opt/bin:/mine", "LD_LIBRARY_PATH=/usr/lib", "LD_PRELOAD=libjemalloc.so.2:/usr/$LIB/x.so"]
    assert findings(judge("config.env", items, Env=env)) == []


def test_a_variable_with_two_values(judge: Judge) -> None:
    ((severity, message),) = findings(judge("config.env", BIN, Env=["A=1", "B=1", "A=2", "B=1"]))
    assert severity == "warning" and message.startswith("A is set to 2 different values")


def test_an_ffmpeg_for_nvenc_in_an_image_without_video(judge: Judge) -> None:
    """The trap of nvidia/cuda as a base: its capabilities are compute and utility."""
    tool = Item("usr/bin/ffmpeg", planted.patched((b"--enable-version3", b"--enable-nvenc   ")), mode=0o755)
    ((severity, message),) = findings(judge("config.env", [tool], Env=["NVIDIA_DRIVER_CAPABILITIES=compute,utility"]))
    assert severity == "warning" and message.startswith("/usr/bin/ffmpeg is built for NVENC or NVDEC")
    assert findings(judge("config.env", [tool], Env=["NVIDIA_DRIVER_CAPABILITIES=all"])) == []
    assert findings(judge("config.env", [tool])) == []
