"""How fast a hardware path encodes, and what its device did meanwhile, on an image whose ffmpeg poses as hardware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import spare_device, wrapped
from posed_transcodes import posing
from support.runs import Outcome

from pytest_mediaimage.media.hardware import devices
from pytest_mediaimage.media.hardware.devices import HostDevices, Node

# nvidia-smi's answers: a card that does nothing, then one that encodes.
SMI = "#!/bin/sh\necho '0, 0, 0, 0, 0'; sleep 0.2; echo '0, 7, 61, 3, 1'; exec sleep 60\n"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> str:
    path = spare_device()
    node = Node(path, devices.AMD)
    monkeypatch.setattr(devices, "discover", lambda: HostDevices((node,), (node,)))
    return path


@pytest.fixture
def measured(media, pytester: pytest.Pytester, tmp_path: Path) -> Callable[..., Outcome]:
    def run(script: str, path: str) -> Outcome:
        policy = f"version: 1\ntranscode: {{cases: [], paths: {{{path}: if-present}}}}\n"
        (pytester.path / "mediaimage.yaml").write_text(policy)
        selected = ["-k", f"transcode.speed and {path}]"]
        return media(wrapped(tmp_path / "image", script), "--media-runtime=sandbox", *selected)

    return run


def test_frames_per_second_and_the_gpu_s_use_are_told(measured, card, tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    outcome = measured(posing("nvenc", "h264", card), "nvenc")
    result = outcome.result("transcode.speed")
    assert (result["status"], result["hardware_path"]) == ("passed", "nvenc"), outcome.text
    assert " frames/s (" in result["measured"]
    assert result["measured"].endswith("; GPU: decoder 3 %, encoder 61 %, gpu 7 %, 1 encode session")


def test_counters_that_can_t_be_read_are_told_as_such(measured, card):
    result = measured(posing("vaapi", "h264", card), "vaapi").result("transcode.speed")
    assert result["measured"].endswith("; GPU: not readable (the driver tells no times of its engines)")


def test_a_speed_that_isn_t_the_device_s_is_none(measured, card):
    result = measured(posing("vaapi", "h264", card, words="nothing"), "vaapi").result("transcode.speed")
    assert (result["status"], result["reason"]) == (
        "skipped",
        "it isn't proven that the device encodes: see transcode.h264-aac and hardware.*",
    )


def test_without_a_device_it_skips(measured, card, monkeypatch):
    monkeypatch.setattr(devices, "discover", HostDevices)
    result = measured(posing("vaapi", "h264", card), "vaapi").result("transcode.speed")
    assert result["status"] == "skipped" and "there is no render node" in result["reason"]
