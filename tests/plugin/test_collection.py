"""Which checks are collected, under which ids, and how they are chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.transcode.cards import HARDWARE
from pytest_mediaimage.checks.transcode.cases import CASES
from pytest_mediaimage.image.build import Item, LayoutWriter, layer

UNTIL_TRANSCODES = [check.id for check in ALL if not check.id.startswith("transcode.")]
TRANSCODES = [f"transcode.{name}" for name in CASES]
ALWAYS = ["transcode.hardened", "transcode.limits", "transcode.speed"]


def ids(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("mediaimage.yaml::")]


def test_the_default_preset_is_collected_without_a_policy(media, write_layout):
    image = write_layout()
    outcome = media(image, "--collect-only", "-q")
    paths = dict.fromkeys(TRANSCODES, "-cpu") | {f"hardware.{path}": f"-{path}" for path in HARDWARE}
    checks = [*UNTIL_TRANSCODES, *TRANSCODES, *ALWAYS]
    expected = [f"mediaimage.yaml::{check}[oci:{image}-linux/amd64{paths.get(check, '')}]" for check in checks]
    assert ids(outcome.text) == expected
    assert outcome.code == 0
    assert outcome.report == {}  # nothing was judged, so nothing is reported


def test_ids_are_the_same_on_every_worker(media, write_layout):
    outcome = media(write_layout(user="nobody"), "--media-static", "-n2")
    assert outcome.code == 1  # the image has no such user
    assert len(outcome.report["results"]) == len([*UNTIL_TRANSCODES, *TRANSCODES, *ALWAYS])
    assert [check for check, status in outcome.statuses().items() if status == "failed"] == ["config.user"]


@pytest.mark.parametrize("form", ["{id}", "mediaimage.yaml::config.user"])
def test_an_id_works_when_passed_back(media, write_layout, workers, form):
    image = write_layout()
    outcome = media(image, form.format(id=f"mediaimage.yaml::config.user[oci:{image}-linux/amd64]"), *workers)
    assert outcome.statuses() == {"config.user": "passed"}
    assert outcome.code == 0


def test_an_unknown_id_is_refused(media, write_layout):
    outcome = media(write_layout(), "mediaimage.yaml::config.usr")
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    assert "not found: mediaimage.yaml::config.usr" in outcome.text


def test_k_selects(media, write_layout):
    outcome = media(write_layout(), "-k", "layers")
    assert set(outcome.statuses()) == {
        "layers.count",
        "layers.waste",
        "layers.order",
        "layers.reuse",
        "manifest.layers",
    }


def test_last_failed_runs_only_what_failed(media, write_layout, workers):
    image = write_layout(user="root")
    policy = "severity: {config.user: error, ffmpeg.capabilities: error}"
    Path("mediaimage.yaml").write_text(f"version: 1\n{policy}\n")
    first = media(image, "--media-static", *workers)
    assert first.code == 1
    again = media(image, "--media-static", "--lf", *workers)
    assert set(again.statuses()) == {"config.user", "ffmpeg.capabilities"}


def test_a_teams_own_tests_stand_beside_the_checks(media, write_layout, pytester):
    pytester.makepyfile("def test_label(media_image):\n    assert media_image.labels == {}\n")
    image = write_layout()
    outcome = media(image, "--media-static", "-v", "-k", "label or user")
    outcome.pytest.stdout.fnmatch_lines(
        [f"*::config.user[[]oci:{image}-linux/amd64] PASSED*", f"*::test_label[[]oci:{image}-linux/amd64] PASSED*"]
    )


def test_path_arguments_leave_the_checks_out(media, write_layout, pytester):
    pytester.makepyfile(test_own="def test_size(media_image):\n    assert media_image.unpacked_size < 1000\n")
    outcome = media(write_layout(), "test_own.py")
    outcome.pytest.assert_outcomes(passed=1)


def test_path_arguments_and_a_named_policy(media, write_layout, pytester):
    pytester.makepyfile(test_own="def test_size(media_image):\n    assert media_image.unpacked_size < 1000\n")
    policy = pytester.path / "policies" / "strict.yaml"
    policy.parent.mkdir()
    policy.write_text("version: 1\n")
    outcome = media(write_layout(), "--media-static", f"--media-policy={policy}", "test_own.py", "--collect-only", "-q")
    assert "policies/strict.yaml::config.user" in outcome.text
    assert "test_own.py::test_size" in outcome.text


def test_an_image_elsewhere_does_not_hide_the_policy(pytester, write_layout, media_cache):
    """Without a configuration file pytest takes the common folder of its arguments for the root directory."""
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nlayers: {count: 1}\n")
    image = write_layout()
    result = pytester.runpytest("--media-image", image, "--media-cache", media_cache, "-k", "user")
    result.stdout.fnmatch_lines(["media image:*policy: mediaimage.yaml", "*1 passed*"])


def test_a_policy_named_as_argument_brings_its_checks(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\n")
    outcome = media(write_layout(), "--media-static", "mediaimage.yaml")
    assert len(outcome.report["results"]) == len([*UNTIL_TRANSCODES, *TRANSCODES, *ALWAYS])


def test_two_images_and_two_platforms(media, tmp_path):
    writer = LayoutWriter(tmp_path)
    parts = [layer([Item("a", b"1")])]
    writer.index(
        [
            writer.image(parts, platform="linux/amd64", config={"User": "1"}, listed=False),
            writer.image(parts, platform="linux/arm64", config={"User": "2"}, listed=False),
        ],
        tag="one",
    )
    writer.image(parts, tag="two", config={"User": "3"})
    writer.finish()
    outcome = media(f"oci:{tmp_path}:one", f"--media-image=oci:{tmp_path}:two", "--media-platform=all", "-k", "user")
    measured = {(item["image"], item["platform"]): item["measured"] for item in outcome.report["results"]}
    assert measured == {
        (f"oci:{tmp_path}:one", "linux/amd64"): "1",
        (f"oci:{tmp_path}:one", "linux/arm64"): "2",
        (f"oci:{tmp_path}:two", "linux/amd64"): "3",
    }


def test_without_an_image_nothing_of_ours_runs(pytester):
    pytester.makepyfile("def test_image(media_image):\n    raise AssertionError\n\ndef test_other():\n    pass\n")
    (pytester.path / "mediaimage.yaml").write_text("no policy at all: [")
    result = pytester.runpytest("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*pass --media-image REF*"])


def test_media_checks_lists_severities(pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nseverity: {layers.count: note}\n")
    result = pytester.runpytest("--media-checks")
    assert result.ret == 0
    result.stdout.re_match_lines([r"layers\.count +note +fails on more layers", r"transcode\.h264-aac +error"])
