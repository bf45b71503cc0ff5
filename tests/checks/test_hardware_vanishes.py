"""A device that is lost while it works: a clear verdict, and nothing left behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import needs, poser, spare_device, wrapped
from support.runs import Outcome

from pytest_mediaimage.checks.hardware import paths
from pytest_mediaimage.media.hardware import devices
from pytest_mediaimage.media.hardware.devices import HostDevices, Node

# The card goes when a third of the frames are written.
LOST = (
    "/opt/ffmpeg -v error -y -i $in -map 0:v:0 -frames:v 9 -c:v libx264 -preset ultrafast -f mp4 $out;"
    "echo '[h264_vaapi @ 0x1] Failed to end picture encode issue: 1 (operation failed).' >&2;"
    "echo 'Conversion failed!' >&2; exit 251"
)
HUNG = "echo '[h264_vaapi @ 0x1] Using VAAPI entrypoint VAEntrypointEncSlice (6).' >&2; sleep 600"


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path(spare_device())
    offer(monkeypatch, path)
    return path


def offer(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    nodes = tuple(Node(str(path), devices.AMD) for path in paths)
    monkeypatch.setattr(devices, "discover", lambda: HostDevices(render=nodes))


@pytest.fixture
def judged(media, pytester: pytest.Pytester, tmp_path: Path) -> Callable[..., Outcome]:
    def run(script: str, check: str = "hardware.vaapi", runtime: str = "sandbox") -> Outcome:
        policy = "version: 1\ntranscode: {cases: [h264-aac], paths: {vaapi: if-present}}\n"
        (pytester.path / "mediaimage.yaml").write_text(policy)
        return media(wrapped(tmp_path / "image", script), f"--media-runtime={runtime}", "-k", check)

    return run


def runs_of(cache: Path) -> list[Path]:
    """What is left of runs of this process: their folders, which are removed at the end of each."""
    return [path for path in (cache / "runs").glob("*") if path.name.startswith(f"{os.getpid()}-")]


@pytest.mark.parametrize("runtime", ["sandbox", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_card_that_is_lost_is_broken_and_all_is_cleaned_up(judged, node, media_cache, runtime, request):
    if runtime == "docker":
        request.getfixturevalue("docker_engine")
    outcome = judged(poser(encode=needs(str(node), LOST)), runtime=runtime)
    (message,) = [text for text in outcome.messages("hardware.vaapi") if "encode" in text.partition(" on ")[0]]
    assert outcome.code == 1
    assert f"vaapi encode on {node}: broken: the card, or its driver, stopped in the middle of the work" in message
    assert "`[h264_vaapi] Failed to end picture encode issue: 1 (operation failed).`" in message
    assert runs_of(media_cache) == []


def test_a_case_on_it_is_broken_too(judged, node, media_cache):
    outcome = judged(poser(encode=LOST), "transcode.h264-aac")
    (message,) = outcome.messages("transcode.h264-aac")
    assert f"on {node}: broken: the card, or its driver, stopped in the middle of the work" in message
    assert runs_of(media_cache) == []


def test_a_card_that_hangs_is_ended_after_a_while(judged, node, media_cache, monkeypatch):
    monkeypatch.setattr(paths, "_PROBE_SECONDS", 2.0)
    outcome = judged(poser(decode=HUNG, encode=HUNG))
    assert outcome.code == 1
    for message in outcome.messages("hardware.vaapi"):
        assert f"on {node}: broken: " in message and "2 s" in message
    assert runs_of(media_cache) == []


def test_a_node_that_is_gone_before_the_container_starts_is_absent(judged, node, tmp_path, monkeypatch):
    gone = tmp_path / "renderD129"
    offer(monkeypatch, gone)
    result = judged(poser()).result("hardware.vaapi")
    assert (result["status"], str(gone) in result["reason"]) == ("skipped", True), result


def test_one_that_is_gone_spares_the_other(judged, node, tmp_path, monkeypatch):
    assert stat.S_ISCHR(node.stat().st_mode)
    offer(monkeypatch, tmp_path / "renderD129", node)
    result = judged(poser(encode=needs(str(node), LOST))).result("hardware.vaapi")
    assert result["status"] == "failed" and f"on {node}: broken" in result["findings"][-1]["message"]
