"""Each check fails on an image with just its own fault, with the right words, and no other check does."""

from __future__ import annotations

import shutil

import planted
import pytest

from pytest_mediaimage.checks.transcode.cards import HARDWARE
from pytest_mediaimage.image.build import tar_of

PLANTS = {
    "config.user": (planted.runs_as_root, ["the user is '0'", "USER 10001"]),
    "size.compressed": (planted.incompressible, ["over the budget of 25 MB", "layer 3  COPY noise /opt/"]),
    "size.unpacked": (planted.bulky, ["over the budget of 60 MB", "layer 3  COPY zeros /opt/"]),
    "size.layer": (planted.fat_layer, ["layer 2 holds 52.3 MB", "/opt/zeros (4 MB)"]),
    "layers.count": (planted.many_layers, ["6 layers, 1 more than the budget of 5"]),
    "layers.waste": (
        planted.wasteful,
        ["2 MB of /opt/zeros can't be seen", "layer 4 replaces or deletes it", "RUN make"],
    ),
    "contents.media": (planted.film, ["/app/intro.dat is an MP4 file", "COPY intro.dat /app/"]),
    "contents.kernel-drivers": (planted.kernel_module, ["/opt/driver/nv.bin is a kernel module", "RUN make -C driver"]),
    "ffmpeg.capabilities": (planted.without_x264, ["/usr/local/bin/ffmpeg lacks the encoder libx264"]),
    "license.ffmpeg": (planted.nonfree, ["--enable-nonfree", "COPY ffmpeg /usr/local/bin/"]),
    "license.label": (planted.labelled_lgpl, ["says LGPL-2.1-or-later, concluded is GPL-3.0-or-later"]),
    "sbom.generated": (planted.anonymous, ["/usr/local/bin/ffmpeg is an FFmpeg that the SBOM doesn't name"]),
}

NOT_ASKED = {
    "reference.pinned",
    "manifest.attestations",
    "manifest.parity",
    "manifest.runtime-floor",
    "size.growth",
    "layers.reuse",
    "binaries.isa",
    "hardware.reachable",
    "hardware.driver-floor",
    "hardware.fallback",
    "sbom.complete",
    "sbom.fresh",
    "vulnerabilities.known",
    *(f"hardware.{path}" for path in HARDWARE),
}
"""Checks that need a registry reference, a baseline, several platforms, an attached SBOM, or what a policy asks for."""

ONE_CASE = ("-k", "not container and not hardened and not limits and not speed")
"""Leaves out what else runs ffmpeg, takes its time, and may find the same fault."""

busybox = pytest.mark.skipif(shutil.which("busybox") is None, reason="needs Debian's busybox-static")


@pytest.fixture
def judge(media, pytester, tmp_path):
    """Plants a fault in the good image and runs every check on it under the strict policy."""

    def run(plant=lambda parts: None, *args: str):
        (pytester.path / "mediaimage.yaml").write_text(planted.POLICY)
        return media(planted.write_image(tmp_path, plant), *args)

    return run


def failed(outcome) -> set[str]:
    return {check for check, status in outcome.statuses().items() if status in ("failed", "error")}


def test_the_good_image_passes_everything(judge):
    outcome = judge()
    assert failed(outcome) == set()
    skipped = {check for check, status in outcome.statuses().items() if status == "skipped"}
    assert skipped - {"transcode.limits"} == NOT_ASKED  # not everyone may limit memory
    assert outcome.code == 0
    found = {item["check"] for item in outcome.report["results"] if item["findings"]}
    found -= {"transcode.limits"}  # a note where x264 takes threads for many cores
    assert found == {"license.label", "license.patents", "sbom.attached"}, "notes: no label, codecs, no SBOM"


@pytest.mark.parametrize("check", PLANTS)
def test_a_planted_fault_fails_its_own_check_only(judge, check):
    plant, words = PLANTS[check]
    outcome = judge(plant, *ONE_CASE)
    assert failed(outcome) == {check}
    for word in words:
        assert word in outcome.text
    assert f"check {check}[" in outcome.text
    assert outcome.code == 1


@busybox
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (planted.COARSE, ["PSNR"]),
        (planted.SILENT, ["audio"]),
        (planted.REPLAY, ["run"]),
        (planted.LIES, ["wrote no output"]),
        (planted.DIES, ["exit code 137: out of memory"]),
    ],
    ids=["coarse", "silent", "replay", "lies", "dies"],
)
def test_a_wrong_transcode_fails(judge, script, words):
    outcome = judge(planted.with_wrapper(script), *ONE_CASE)
    assert failed(outcome) == {"transcode.h264-aac"}
    for word in words:
        assert word in outcome.text


@busybox
def test_a_transcode_that_never_ends_is_killed_and_fails(judge, monkeypatch):
    import dataclasses

    from pytest_mediaimage.media import cases

    monkeypatch.setitem(cases.CASES, "h264-aac", dataclasses.replace(cases.CASES["h264-aac"], timeout=3))
    outcome = judge(planted.with_wrapper(planted.HANGS), *ONE_CASE)
    assert failed(outcome) == {"transcode.h264-aac"}
    assert "did not end within 3 s and was killed" in outcome.text


def test_media_that_a_later_layer_deletes_is_still_found(judge):
    def plant(parts: planted.Parts) -> None:
        planted.film(parts)
        parts.more.append(planted.layer([planted.Item("app/.wh.intro.dat")], "RUN rm /app/intro.dat"))

    outcome = judge(plant, *ONE_CASE)
    assert failed(outcome) == {"contents.media", "layers.waste"}
    assert "/app/intro.dat is an MP4 file (ISO base media) (3 MB), deleted or replaced by layer 4" in outcome.text


def test_a_tag_of_a_registry_fails_reference_pinned(media, pytester, docker_engine, tmp_path):
    (pytester.path / "mediaimage.yaml").write_text(planted.POLICY)
    name = "localhost:1/pytest-mediaimage/planted:1"
    docker_engine.api.import_image_from_data(tar_of([planted.Item("a", b"1")]), name.removesuffix(":1"), tag="1")
    try:
        outcome = media(name, "--media-static", "-k", "reference")
        assert failed(outcome) == {"reference.pinned"}
        assert f"{name} is named by a tag" in outcome.text
        assert "localhost:1/pytest-mediaimage/planted@sha256:..." in outcome.text
    finally:
        docker_engine.images.remove(name)
