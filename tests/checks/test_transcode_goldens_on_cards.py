"""Golden values of cases on hardware paths, on an image whose ffmpeg poses as hardware: kept by family and driver."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import spare_device, wrapped
from posed_transcodes import PATHS, posing
from support.runs import Outcome

from pytest_mediaimage.media.hardware import devices
from pytest_mediaimage.media.hardware.devices import HostDevices, Node

DRIVER = "VAAPI driver: Mesa Gallium driver {} for AMD Radeon RX 6600 (radeonsi, {}, LLVM 15.0.7, DRM 3.52, 6.3.8)."
OTHER_PICTURES = "-c:v libx264 -preset superfast -qp 25 -pix_fmt yuv420p -x264-params no-deblock=1"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> str:
    path = spare_device()
    nodes = HostDevices(render=(Node(path, devices.AMD),))
    monkeypatch.setattr(devices, "discover", lambda: nodes)
    return path


@pytest.fixture
def judged(media, card: str, pytester: pytest.Pytester, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs h264-aac on vaapi with a driver of Mesa's on a card, and an encoder that plays its part."""

    def run(*args: str, mesa: str = "23.1.3", chip: str = "navi23", before: str = "", **encoder: str) -> Outcome:
        (pytester.path / "mediaimage.yaml").write_text(
            "version: 1\ntranscode: {cases: [h264-aac], paths: {vaapi: if-present}}\n"
        )
        words = f"{PATHS['vaapi']}' >&2; echo '[AVHWDeviceContext @ 0x1] {DRIVER.format(mesa, chip)}"
        script = posing("vaapi", "h264", card, words=words, **encoder, **({"before": before} if before else {}))
        image = wrapped(tmp_path / f"{mesa}-{chip}-{len(list(tmp_path.iterdir()))}", script)
        return media(image, "--media-runtime=sandbox", "-k", "transcode.h264-aac", *args)

    return run


def test_they_are_kept_by_family_and_driver_and_exact_for_the_same(judged, card, pytester):
    first = judged("--media-update-golden")
    assert first.code == 0 and "written to" in first.text, first.text
    written = json.loads((pytester.path / "golden" / "h264-aac.json").read_text())
    (entry,) = [entry for entry in written["entries"] if entry["path"] == "vaapi"]
    ((encoder, machines),) = entry["values"].items()
    assert list(machines) == ["amd navi23/Mesa 23.1.3"]
    assert encoder.startswith("h264_vaapi FFmpeg ")
    result = judged().result("transcode.h264-aac")
    assert (result["status"], result["findings"]) == ("passed", [])
    assert ", golden exact; GPU: " in result["measured"]


def test_another_driver_is_held_to_a_tolerance_and_says_why(judged, pytester):
    assert judged("--media-update-golden").code == 0
    result = judged(mesa="24.2.8", encoder=OTHER_PICTURES).result("transcode.h264-aac")
    (note,) = result["findings"]
    assert (result["status"], note["severity"]) == ("passed", "note")
    assert "held to tolerances, not to exact frames: no golden values for h264_vaapi FFmpeg" in note["message"]
    assert "on amd navi23/Mesa 24.2.8; held against h264_vaapi FFmpeg" in note["message"]


def test_other_pictures_of_the_same_driver_are_an_error(judged):
    assert judged("--media-update-golden").code == 0
    outcome = judged(encoder=OTHER_PICTURES)
    (message,) = outcome.messages("transcode.h264-aac")
    assert outcome.code == 1 and "not the golden pictures: frame 0 is the first that isn't what h264_vaapi" in message


def test_another_family_has_none_and_that_is_no_noise(judged):
    assert judged("--media-update-golden").code == 0
    result = judged(chip="navi31", encoder=OTHER_PICTURES).result("transcode.h264-aac")
    assert (result["status"], result["findings"]) == ("passed", []) and ", golden missing; " in result["measured"]


def test_what_isn_t_proven_to_be_the_device_s_is_not_written(judged, pytester):
    outcome = judged("--media-update-golden", before=":")
    assert outcome.code == 1 and "also succeeds in a container without the device" in outcome.text
    assert not (pytester.path / "golden").exists()


def test_they_are_no_orphans_on_a_machine_without_the_card(judged, monkeypatch):
    assert judged("--media-update-golden").code == 0
    monkeypatch.setattr(devices, "discover", HostDevices)
    outcome = judged()
    assert outcome.result("transcode.h264-aac")["status"] == "skipped"
    assert "which nothing asks for" not in outcome.text
