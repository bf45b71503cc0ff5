"""Statuses, severities and exit codes."""

from __future__ import annotations

import datetime
import xml.etree.ElementTree as ElementTree

import pytest

from pytest_mediaimage.image.build import Item, layer

NOWHERE = "unix:///nonexistent/docker.sock"


def write_policy(pytester: pytest.Pytester, text: str) -> None:
    (pytester.path / "mediaimage.yaml").write_text("version: 1\n" + text)


def test_a_warning_passes_and_is_shown(media, write_layout, workers):
    outcome = media(write_layout(user="0"), "-k", "user", *workers)
    assert outcome.code == 0
    assert outcome.result("config.user")["status"] == "passed"
    assert outcome.result("config.user")["findings"][0]["severity"] == "warning"
    assert "warning: config.user: processes run as root: the user is '0'" in outcome.text
    assert "warned (1 warning)" in outcome.text


def test_an_error_fails_with_everything_one_needs(media, write_layout, pytester, workers):
    write_policy(pytester, "size: {layer: 1kB}\n")
    big = layer([Item("opt/model.bin", bytes(range(256)) * 40)], "COPY model.bin /opt/")
    outcome = media(write_layout([big]), "-k", "size.layer", *workers)
    assert outcome.code == 1
    outcome.pytest.stdout.fnmatch_lines(
        [
            "layer 1 holds 10.24 kB, 9.24 kB over the budget of 1 kB; its heaviest files:",
            "  /opt/model.bin (10.24 kB)",
            "  measured:    10.24 kB, budget 1 kB",
            f"  layer:       1 of 1, {big.diff_id}",
            "  created by:  COPY model.bin /opt/",
            "  to do:       Split the layer*",
            "why it matters: A layer is pulled*",
            "this check fails on a layer with more unpacked bytes than the budget.",
        ]
    )
    assert "Traceback" not in outcome.text and "items.py" not in outcome.text


def test_a_budget_of_ones_own_is_an_error_though_the_preset_only_warns(media, write_layout, pytester):
    parts = [layer([Item("a", b"x" * 5000)], "RUN make"), layer([Item(".wh.a")], "RUN rm a")]
    assert media(write_layout(parts), "-k", "waste").code == 0
    write_policy(pytester, "layers: {waste: 1%}\n")
    assert media(write_layout(parts), "-k", "waste").code == 1


def test_ignore_with_reason(media, write_layout, pytester):
    write_policy(
        pytester, "severity: {config.user: error}\nignore: [{check: config.user, reason: drops root itself}]\n"
    )
    outcome = media(write_layout(user=""), "-k", "user")
    assert outcome.code == 0
    assert outcome.messages("config.user") == ["processes run as root: no user is set (ignored: drops root itself)"]
    assert outcome.result("config.user")["findings"][0]["severity"] == "note"


def test_an_expired_ignore_no_longer_helps(media, write_layout, pytester):
    yesterday = datetime.date.today() - datetime.timedelta(days=1)
    write_policy(
        pytester,
        f"severity: {{config.user: error}}\nignore: [{{check: config.user, reason: soon, until: {yesterday}}}]\n",
    )
    outcome = media(write_layout(user=""), "-k", "user")
    assert outcome.code == 1
    assert f"was ignored until {yesterday}: soon" in outcome.text


def test_only_the_environment_failed_is_exit_code_10(media, write_layout, monkeypatch, workers, pytester):
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    image = write_layout([layer([Item("usr/bin/ffmpeg", b"\x7fELF" + bytes(100), mode=0o755)])])
    outcome = media(image, "--media-runtime=docker", "-k", "capabilities or user", "--junitxml=junit.xml", *workers)
    assert outcome.code == 10
    broken = outcome.result("ffmpeg.capabilities")
    assert broken["status"] == "error" and broken["environment"]
    assert "no Docker Engine answers" in broken["reason"] or "Docker" in broken["reason"]
    outcome.pytest.assert_outcomes(passed=1, errors=1)
    suite = ElementTree.parse(pytester.path / "junit.xml").getroot()[0]
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")


def test_a_real_failure_beside_it_is_exit_code_1(media, write_layout, monkeypatch, pytester):
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    write_policy(pytester, "severity: {config.user: error}\n")
    image = write_layout([layer([Item("usr/bin/ffmpeg", b"\x7fELF" + bytes(100), mode=0o755)])], user="0")
    assert media(image, "--media-runtime=docker", "-k", "capabilities or user").code == 1


def test_a_required_check_that_was_skipped_is_exit_code_11(media, write_layout, pytester, workers):
    write_policy(pytester, "required: [license.*]\n")
    outcome = media(write_layout(), "-k", "license or user", *workers)
    assert outcome.code == 11
    assert (
        "skipped: license.ffmpeg: the image holds no FFmpeg that can be read (the policy requires it)" in outcome.text
    )
    assert outcome.result("license.ffmpeg")["required"]


def test_a_required_path_that_was_skipped_is_exit_code_11(media, write_layout, pytester):
    write_policy(pytester, "transcode: {paths: {cpu: required}}\n")
    outcome = media(write_layout(), "--media-static", "-k", "transcode")
    assert outcome.code == 11


def test_an_image_without_ffmpeg_fails_where_the_policy_wants_one_and_once(media, write_layout, pytester):
    image = write_layout()
    outcome = media(image, "--media-static")
    assert outcome.code == 0
    assert "the image has no ffmpeg" in outcome.messages("ffmpeg.capabilities")[0]
    write_policy(pytester, "ffmpeg: {encoders: [libx264]}\n")
    outcome = media(image, "--media-static")
    assert outcome.code == 1
    assert [check for check, status in outcome.statuses().items() if status == "failed"] == ["ffmpeg.capabilities"]


def test_a_corrupt_blob_is_an_error_and_no_failure(media, write_layout, workers):
    root = write_layout([layer([Item("a", b"1" * 100_000)])])
    blob = max((root / "blobs" / "sha256").iterdir(), key=lambda path: b"\x28\xb5\x2f\xfd" in path.read_bytes()[:4])
    data = bytearray(blob.read_bytes())
    data[-6] ^= 0xFF
    blob.write_bytes(data)
    outcome = media(root, "--media-static", *workers)
    assert outcome.code == 1
    assert outcome.result("size.unpacked")["status"] == "error"
    assert not outcome.result("size.unpacked")["environment"]
    assert blob.name[:12] in outcome.result("size.unpacked")["reason"]
    assert outcome.result("layers.count")["status"] == "passed"
    assert "failed" not in outcome.pytest.parseoutcomes()


def test_the_hook_sees_every_result_in_the_main_process(media, write_layout, pytester, workers):
    pytester.makeconftest(
        "def pytest_mediaimage_result(config, result):\n"
        "    assert not hasattr(config, 'workerinput')\n"
        "    print(f'SENT {result.check} {result.measured}')\n"
    )
    outcome = media(write_layout(), "-k", "layers or user", "-s", *workers)
    for line in ("SENT config.user 1000", "SENT layers.count 1", "SENT layers.waste 0.0"):
        assert outcome.text.count(line) == 1
