"""`--media-vulnerabilities FILE`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.scanner_reports import grype, grype_match, trivy, trivy_vulnerability, written

USAGE = int(pytest.ExitCode.USAGE_ERROR)
POLICY = "version: 1\nvulnerabilities: {severity: high, scanner: none}\n"
ONE = ("-k", "vulnerabilities.known", "-p", "no:cacheprovider")


def test_a_report_is_judged_with_and_without_workers(media, write_layout, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text(POLICY)
    written(pytester.path / "scan.json", grype(grype_match(), target="bom.json"))
    outcome = media(write_layout(), "--media-vulnerabilities=scan.json", "--media-static", *ONE, *workers)
    assert outcome.code == 1
    assert outcome.statuses() == {"vulnerabilities.known": "failed"}
    assert "CVE-2025-1000, high: libfoo 1.2-1" in outcome.text and "Update libfoo to 1.2-3" in outcome.text


def test_a_report_without_anything_passes(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text(POLICY)
    report = written(pytester.path / "scan.json", trivy(DiffIDs=[], ImageID=""))
    outcome = media(write_layout(), f"--media-vulnerabilities={report}", "--media-static", *ONE)
    assert (outcome.code, outcome.statuses()) == (0, {"vulnerabilities.known": "passed"})


def test_a_report_of_another_image_is_an_error(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text(POLICY)
    written(pytester.path / "scan.json", trivy(trivy_vulnerability()))
    outcome = media(write_layout(), "--media-vulnerabilities=scan.json", "--media-static", *ONE)
    assert outcome.code == 1
    assert outcome.statuses() == {"vulnerabilities.known": "error"}
    assert "is of registry.example.com/media/ffmpeg:7 (sha256:1111" in outcome.result("vulnerabilities.known")["reason"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "scan.json can't be read: No such file or directory"),
        ("", "scan.json is empty"),
        ('{"matches": [\n{]', "scan.json:2:2: no valid JSON"),
        ('{"bomFormat": "CycloneDX"}', "scan.json is a CycloneDX BOM, and neither grype's nor trivy's"),
    ],
)
def test_a_file_that_is_no_report_is_told_before_anything_runs(media, write_layout, pytester, text, words):
    if text is not None:
        Path(pytester.path / "scan.json").write_text(text)
    outcome = media(write_layout(), "--media-vulnerabilities=scan.json", "--media-static")
    assert outcome.code == USAGE
    errors = [line for line in outcome.text.splitlines() if line.startswith("ERROR:")]
    assert len(errors) == 1 and words in errors[0]


def test_a_required_check_that_skips_is_told(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text(POLICY + "required: [vulnerabilities.known]\n")
    outcome = media(write_layout(), "--media-static", *ONE)
    assert outcome.code == 11
    assert "the policy runs no scanner, and --media-vulnerabilities names no report" in outcome.text
