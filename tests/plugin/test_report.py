"""The JSON report, the table, and the header say the same, and it is true."""

from __future__ import annotations

import json
import subprocess

import pytest
import report_helpers
from support.runs import PLAIN, XDIST

from pytest_mediaimage.checks.planning import known_ids
from pytest_mediaimage.checks.registry import Check
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg
from pytest_mediaimage.report.text import failure_text, format_value


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
            "  skipped: transcode.h264-aac [[]cpu], transcode.aac [[]cpu]: nothing is started under --media-static",
        ]
    )


def test_where_all_is_skipped_there_is_no_empty_table(media, write_layout):
    outcome = media(write_layout(), "--media-static", "-k", "aac")
    assert "2 checks: 2 skipped" in outcome.text and "measured" not in outcome.text


def test_a_run_of_some_checks_says_so(media, write_layout, workers):
    report = media(write_layout(), "--media-static", "-k", "user or pinned", *workers).report
    assert report["interrupted"] is False and len(report["results"]) == 2
    whole = media(write_layout(), "--media-static", *workers).report
    assert (whole["not_run"], report["not_run"]) == (0, len(whole["results"]) - 2)


INTERRUPTING = """
def pytest_runtest_protocol(item):
    if "config.user" in item.name:
        raise KeyboardInterrupt
"""


def test_an_interrupted_run_says_so(media, write_layout, pytester):
    pytester.makeconftest(INTERRUPTING)
    reports = [f"--media-report={kind}:media.{kind}" for kind in ("markdown", "sarif")]
    outcome = media(write_layout(), "--media-static", *PLAIN, *reports, subprocess=True)
    report = outcome.report
    assert outcome.code == 2 and report["interrupted"] is True and report["results"] and report["not_run"] > 20
    ran = len(report["results"])
    words = f"the run was interrupted: {ran} of {ran + report['not_run']} checks ran"
    assert (pytester.path / "media.markdown").read_text().startswith(f"## ⚠️ Not judged in full ({words}): ")
    (invocation,) = json.loads((pytester.path / "media.sarif").read_text())["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    assert f"not judged in full: {words}" in [
        item["message"]["text"] for item in invocation["toolExecutionNotifications"]
    ]


def test_an_interrupt_of_workers_is_told_too(media, write_layout, pytester):
    pytester.makeconftest("def pytest_xdist_node_collection_finished(node): raise KeyboardInterrupt")
    outcome = media(write_layout(), "--media-static", "--media-report=markdown:media.md", *XDIST, subprocess=True)
    assert outcome.code == 2 and outcome.report["interrupted"] is True
    assert "Not judged in full (the run was interrupted: " in (pytester.path / "media.md").read_text()


def test_a_failed_checks_first_finding_stands_once_and_the_last_are_counted():
    check = Check("a.b", "what it fails on", "It matters.", lambda context: ())
    found = [report_helpers.finding(f"track {n} is missing\nlook", fix="Map it.") for n in range(8)]
    lines = failure_text(check, report_helpers.result("a.b", found, measured=5)).splitlines()
    assert lines[:4] == ["track 0 is missing (and 7 more)", "look", "  measured:    5", "error: track 1 is missing"]
    assert "error: track 4 is missing" in lines and "error: track 5 is missing" not in lines
    assert lines.count("  to do:       Map it.") == 1
    assert "and 3 more; --media-report json:PATH lists them all" in lines


def test_what_checks_share_is_told_once(media, write_layout, pytester, workers):
    pytester.makeconftest(SHARING)
    outcome = media(write_layout(), "-k", "acme", "--junitxml=junit.xml", *workers)
    # Where pytest finds itself on a CI server, its summary tells each failure once more.
    shown = outcome.text.partition("short test summary")[0]
    assert shown.count("why it matters: Both do.") == 1
    assert "2 checks fail with the same message: no sound (acme.a, acme.b)" in outcome.text
    assert (pytester.path / "junit.xml").read_text().count("this check fails on silence.</failure>") == 2


SHARING = """
from pytest_mediaimage import Finding, check

def made(name):
    @check(name, fails="silence", why="Both do.")
    def judge(context):
        yield Finding("no sound")
    return judge

def pytest_mediaimage_checks(config):
    return [made("acme.a"), made("acme.b")]
"""


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
