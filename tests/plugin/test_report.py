"""The JSON report, the table, and the header say the same, and it is true."""

from __future__ import annotations

import subprocess

import pytest

from pytest_mediaimage.checks.planning import known_ids
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg
from pytest_mediaimage.report.text import format_value


def test_the_demo_images_table_equals_what_other_tools_say(media, media_cache):
    outcome = media("demo", "-k", "not transcode or h264-aac or hls-fmp4 or hardened or speed")
    assert outcome.code == 0
    layout = next((media_cache / "demo").glob("*/index.json")).parent
    blobs = {path.name: path.stat().st_size for path in (layout / "blobs" / "sha256").iterdir()}
    image = outcome.report["images"][0]
    layers = [item["digest"].partition(":")[2] for item in image["layers"]]
    config = image["config_digest"].partition(":")[2]
    compressed = sum(blobs[name] for name in [*layers, config])
    assert outcome.result("size.compressed")["measured"] == image["compressed_size"] == compressed

    ffmpeg = find_ffmpeg()
    assert ffmpeg.stat().st_size == 48299480 == outcome.result("size.layer")["measured"]
    assert outcome.result("layers.count")["measured"] == len(layers) == 3
    listed = subprocess.run([ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True).stdout
    encoders = listed.partition("------")[2].strip().splitlines()
    assert f"{len(encoders)} encoders" in outcome.result("ffmpeg.capabilities")["measured"]
    text = subprocess.run([ffmpeg, "-hide_banner", "-L"], capture_output=True, text=True, check=True).stdout
    assert "version 3 of the License" in text and outcome.result("license.ffmpeg")["measured"] == "GPL-3.0-or-later"
    for result in outcome.report["results"]:
        if result["status"] == "passed":
            assert result["measured"] is not None, result["check"]


def test_one_of_a_kind_stands_in_the_singular():
    assert [format_value(count, "entries") for count in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
    assert [format_value(count, "layers") for count in (1, 2)] == ["1 layer", "2 layers"]


def test_the_report_has_the_documented_form(media, write_layout, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nsize: {unpacked: 1kB}\n")
    image = write_layout([layer([Item("a", b"x" * 5000)], "COPY a /")])
    report = media(image, "--media-static", *workers).report
    assert report["schema_version"] == 1
    assert report["tool"]["name"] == "pytest-mediaimage"
    assert set(report["images"][0]) >= {
        "reference", "digest", "platform", "compressed_size", "unpacked_size", "layers",
    }  # fmt: skip
    checks = [result["check"] for result in report["results"]]
    assert checks[0] == "reference.pinned" and checks[-1] == "transcode.speed"
    assert set(checks) == known_ids() and len(checks) == len(known_ids())
    result = next(item for item in report["results"] if item["check"] == "size.unpacked")
    assert result["status"] == "failed"
    assert (result["measured"], result["budget"], result["unit"]) == (5000, 1000, "bytes")
    assert result["image"] == f"oci:{image}" and result["platform"] == "linux/amd64"
    finding = result["findings"][0]
    assert set(finding) == {
        "fingerprint", "severity", "message", "file", "layer", "created_by", "bytes", "evidence", "fix", "known",
    }  # fmt: skip
    assert finding["severity"] == "error" and finding["bytes"] == 4000


def test_a_fingerprint_outlives_a_rebuild(media, write_layout):
    def fingerprint(noise: bytes) -> str:
        film = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + noise + bytes(3_000_000)
        outcome = media(write_layout([layer([Item("app/intro", film)], "COPY intro /app/")]), "-k", "contents.media")
        return outcome.result("contents.media")["findings"][0]["fingerprint"]

    assert fingerprint(b"1") == fingerprint(b"2")


def test_one_header_line_says_what_runs_where(media):
    outcome = media("demo", "-k", "user")
    lines = [line for line in outcome.text.splitlines() if line.startswith("media image: ")]
    assert len(lines) == 1
    outcome.pytest.stdout.re_match_lines(
        [r"media image: demo \(linux/amd64, sha256:[0-9a-f]{12}\); runtime: sandbox [\d.]+; policy: preset default"]
    )


def test_skips_are_counted_in_plain_sight(media, write_layout):
    outcome = media(write_layout(), "--media-static", "-k", "user or pinned or aac")
    outcome.pytest.stdout.fnmatch_lines(
        [
            "check * measured * budget * verdict",
            "config.user * 1000 * not root * passed",
            "4 checks: 1 passed, 3 skipped",
            "  skipped: reference.pinned: a local image, not a registry reference*",
            "  skipped: transcode.h264-aac, transcode.aac: nothing is started under --media-static",
        ]
    )


def test_what_a_killed_run_left_is_removed_and_said(media, write_layout, tmp_path):
    dead = tmp_path / "runs" / "1-abcdef"  # not in the cache of all tests, where any other run would remove it
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    (dead / "big.tmp").write_bytes(b"x" * 1000)
    outcome = media(write_layout(), "-k", "user", f"--media-cache={tmp_path}")
    assert not dead.exists()
    assert "media image: " in outcome.text and "1-abcdef" in outcome.text


def test_no_report_where_nothing_was_run(media, write_layout):
    assert media(write_layout(), "--collect-only").report == {}


@pytest.mark.parametrize("broken", ["oci:/no/such/place"])
def test_an_old_report_is_not_taken_for_this_runs(media, pytester, broken):
    report = pytester.path / "report.json"
    report.write_text('{"results": [{"status": "passed"}]}')
    assert media(broken).report["results"] == []


def test_a_report_that_cannot_be_written_is_the_environments_fault(media, write_layout, tmp_path):
    (tmp_path / "taken").mkdir()
    outcome = media(write_layout(), "-k", "user", f"--media-report=json:{tmp_path / 'taken'}")
    assert outcome.code == 10
    assert f"ERROR: the json report {tmp_path / 'taken'} isn't written: " in outcome.text
    assert "INTERNALERROR" not in outcome.text
    assert outcome.statuses() == {"config.user": "passed"}
