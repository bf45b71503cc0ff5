"""`vulnerabilities.known`: a report judged by the policy, that of the same image, or one made on the spot."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from layer_images import write
from support.scanner_reports import grype, grype_match, trivy, trivy_vulnerability, written

from pytest_mediaimage.checks.context import Context
from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.registry import run_check
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.vulnerabilities import given_report
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.policy import parse_policy
from pytest_mediaimage.result import Result, Severity, Status

CHECK = next(check for check in ALL if check.id == "vulnerabilities.known")
TODAY = datetime.date.today()
LATER, BEFORE = TODAY + datetime.timedelta(days=90), TODAY - datetime.timedelta(days=1)

Judge = Callable[..., Result]


class Case:
    """An image, and the check on it with a report and a policy's text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = write(folder / "image", [layer([Item("opt/x", b"x")], "RUN apt-get install libfoo")])
        self.image = self._subject(None).image

    def _subject(self, report: Path | None) -> Subject:
        bench = Workbench(
            cache=self.folder / "cache",
            runtime_name="auto",
            static=True,
            golden_folder=self.folder / "golden",
            vulnerabilities=given_report(report),
        )
        return Subject(bench, Reference.parse(f"oci:{self.root}"), Platform("linux/amd64"))

    def judge(self, report: Any, vulnerabilities: str = "", more: str = "") -> Result:
        """`report` is grype's or trivy's; None for none."""
        path = None if report is None else written(self.folder / "report.json", report)
        text = "version: 1\n" + (f"vulnerabilities: {vulnerabilities}\n" if vulnerabilities else "") + more
        subject = self._subject(path)
        try:
            return run_check(CHECK, Context(subject, parse_policy(text, self.folder / "mediaimage.yaml")))
        finally:
            subject.bench.close()

    def grype(self, *matches: dict[str, Any]) -> dict[str, Any]:
        """grype's report of this image."""
        for match in matches:
            match["artifact"]["locations"][0]["layerID"] = str(self.image.layers[0].diff_id)
        return grype(*matches, imageID=str(self.image.config_digest), manifestDigest=str(self.image.digest))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture
def scanner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a script that poses as a scanner on a PATH without any other."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def put(name: str, lines: str) -> None:
        script = folder / name
        script.write_text(
            f'#!/bin/sh\nfor word in "$@"; do case "$word" in *report.json) out=$word;; esac; done\n{lines}'
        )
        script.chmod(0o755)

    return put


def test_a_grave_one_with_a_fix_warns_by_default_and_fails_where_a_policy_sets_its_own_severity(case: Case) -> None:
    report = case.grype(grype_match("CVE-2025-1000", "Critical", related=("GHSA-1",)))
    result = case.judge(report)
    (finding,) = result.findings
    assert (result.status, finding.severity) == (Status.PASSED, Severity.WARNING)
    assert finding.message == (
        "CVE-2025-1000 (GHSA-1), critical: libfoo 1.2-1 in /var/lib/dpkg/status, fixed in 1.2-3 (grype) "
        "https://tracker.example/CVE-2025-1000"
    )
    assert (finding.file, finding.created_by) == ("/var/lib/dpkg/status", "RUN apt-get install libfoo")
    assert finding.layer == str(case.image.layers[0].diff_id)
    assert finding.fix.startswith("Update libfoo to 1.2-3; or accept it for a time")
    assert result.measured == "grype 0.104.0 of 2026-11-20: 1 critical"
    assert result.budget == "none from high on that has a fix"
    assert case.judge(report, "{severity: critical}").status is Status.FAILED
    assert case.judge(report, more="extends: strict\n").status is Status.FAILED


@pytest.mark.parametrize(
    ("severity", "policy", "found"),
    [
        ("High", "", True),
        ("Medium", "", False),
        ("Medium", "{severity: medium}", True),
        ("High", "{severity: critical}", False),
        ("Negligible", "{severity: negligible}", True),
        ("Unknown", "{severity: negligible}", False),
        ("Unknown", "{severity: unknown}", True),
    ],
)
def test_the_policy_says_from_which_severity_on(case: Case, severity: str, policy: str, found: bool) -> None:
    assert bool(case.judge(case.grype(grype_match(severity=severity)), policy).findings) is found


def test_without_a_fix_it_is_only_counted_unless_the_policy_asks(case: Case) -> None:
    report = case.grype(grype_match("CVE-1", fixed=()), grype_match("CVE-2"), grype_match("CVE-3", "Low", fixed=()))
    result = case.judge(report)
    assert [finding.evidence for finding in result.findings] == ["CVE-2 in libfoo"]
    assert result.measured == ("grype 0.104.0 of 2026-11-20: 2 high, 1 low; 1 of them grave enough, but without a fix")
    findings = case.judge(report, "{fix-available: false}").findings
    assert [finding.evidence for finding in findings] == ["CVE-1 in libfoo", "CVE-2 in libfoo"]
    assert "no fix is known" in findings[0].message and findings[0].fix.startswith("Take libfoo out")


def test_trivys_report_is_judged_alike(case: Case) -> None:
    layer_id = str(case.image.layers[0].diff_id)
    found = {**trivy_vulnerability(), "Layer": {"DiffID": layer_id}}
    report = trivy(found, ImageID=str(case.image.config_digest), DiffIDs=[layer_id])
    (finding,) = case.judge(report, "{severity: high}").findings
    assert (finding.severity, finding.layer, finding.file) == (Severity.ERROR, layer_id, None)
    assert "CVE-2025-1000, high: libfoo 1.2-1, fixed in 1.2-3 (trivy)" in finding.message


@pytest.mark.parametrize(
    ("entry", "accepted"),
    [
        (f"evidence: 'CVE-1 in *', until: {LATER}", True),
        ("evidence: 'CVE-1 in libfoo'", True),
        (f"evidence: 'CVE-1 in libfoo', until: {BEFORE}", False),
        ("evidence: 'CVE-1 in libbar'", False),
        ("evidence: 'CVE-12 in *'", False),
    ],
)
def test_what_the_policy_ignores_is_a_note_until_its_day(case: Case, entry: str, accepted: bool) -> None:
    ignore = f"ignore: [{{check: vulnerabilities.known, reason: not reachable, {entry}}}]\n"
    (finding,) = case.judge(case.grype(grype_match("CVE-1")), "{severity: high}", ignore).findings
    assert finding.severity is (Severity.NOTE if accepted else Severity.ERROR)
    assert ("(ignored: not reachable)" in finding.message) is accepted
    assert (f"(was ignored until {BEFORE}: not reachable)" in finding.message) is (str(BEFORE) in entry)


def test_what_a_finding_tells_to_write_is_accepted(case: Case) -> None:
    report = case.grype(grype_match("CVE-2025-1000"))
    (finding,) = case.judge(report, "{severity: high}").findings
    told = finding.fix.partition("accept it for a time: ")[2].rstrip(".")
    ignore = told.replace("reason: ...", "reason: r").replace("until: ...", f"until: {LATER}")
    (finding,) = case.judge(report, "{severity: high}", ignore + "\n").findings
    assert finding.severity is Severity.NOTE


def test_the_policy_may_ignore_a_path(case: Case) -> None:
    ignore = "ignore: [{check: vulnerabilities.known, path: '/opt/**', reason: a tool of ours}]\n"
    report = case.grype(grype_match("CVE-1", path="/opt/tool/x"), grype_match("CVE-2", path="/usr/y"))
    found = case.judge(report, "{severity: high}", ignore).findings
    assert {finding.evidence[:5]: finding.severity for finding in found} == {
        "CVE-1": Severity.NOTE,
        "CVE-2": Severity.ERROR,
    }


def test_an_image_without_any_passes_and_says_by_what(case: Case) -> None:
    result = case.judge(case.grype())
    assert (result.status, result.findings) == (Status.PASSED, [])
    assert result.measured == "grype 0.104.0 of 2026-11-20: none"


def test_a_report_of_another_image_is_an_error_that_names_both(case: Case) -> None:
    result = case.judge(grype(grype_match()))
    assert (result.status, result.environment) == (Status.ERROR, False)
    for words in ("registry.example.com/media/ffmpeg:7", "sha256:1111", "sha256:2222", str(case.image.digest)):
        assert words in result.reason
    assert str(case.image.config_digest) in result.reason and "linux/amd64" in result.reason


def test_a_report_that_names_no_image_is_judged_and_says_so(case: Case) -> None:
    result = case.judge(grype(grype_match(), target="/tmp/bom.json"))
    assert result.measured == "grype 0.104.0 of 2026-11-20: 1 high; it doesn't name the image"
    assert len(result.findings) == 1


def test_thousands_are_told_in_one(case: Case) -> None:
    report = case.grype(*(grype_match(f"CVE-2025-{number}") for number in range(1200)))
    (finding,) = case.judge(report, "{severity: high}").findings
    assert finding.message.startswith("1200 vulnerabilities") and finding.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("", "no grype and no trivy is installed, and --media-vulnerabilities names no report"),
        ("{scanner: trivy}", "no trivy is installed, and --media-vulnerabilities names no report"),
        ("{scanner: none}", "the policy runs no scanner, and --media-vulnerabilities names no report"),
    ],
)
def test_without_a_report_and_a_scanner_it_skips(
    case: Case, scanner: Callable[[str, str], None], policy: str, reason: str
) -> None:
    if policy == "{scanner: none}":
        scanner("grype", "exit 1")
    result = case.judge(None, policy)
    assert (result.status, result.reason) == (Status.SKIPPED, reason)


def test_the_scanner_that_is_installed_is_given_the_image(
    case: Case, scanner: Callable[[str, str], None], tmp_path: Path
) -> None:
    made = written(tmp_path / "made.json", grype(grype_match()))  # whatever it calls the image: we gave it this one
    scanner("grype", f'echo "$1" > {tmp_path}/target; cp "${{1#oci-dir:}}/index.json" {tmp_path}; cp {made} "$out"')
    result = case.judge(None, "{severity: high}")
    assert (result.status, len(result.findings)) == (Status.FAILED, 1)
    assert (tmp_path / "target").read_text().startswith("oci-dir:/")
    (manifest,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert manifest["digest"] == str(case.image.digest)


def test_an_archive_is_handed_on_as_one(scanner: Callable[[str, str], None], tmp_path: Path) -> None:
    case = Case(tmp_path)
    archive = tmp_path / "image.tar"
    with archive.open("wb") as out:
        case.image.write_docker_archive(out)
    made = written(tmp_path / "made.json", trivy())
    scanner("trivy", f'echo "$@" > {tmp_path}/words; cp {made} "$out"')
    bench = Workbench(cache=tmp_path / "cache", runtime_name="auto", static=True, golden_folder=tmp_path / "golden")
    subject = Subject(bench, Reference.parse(f"docker-archive:{archive}"), Platform("linux/amd64"))
    result = run_check(CHECK, Context(subject, parse_policy("version: 1\n", tmp_path / "mediaimage.yaml")))
    bench.close()
    assert result.status is Status.PASSED
    assert re.search(r"--input /\S+\.tar$", (tmp_path / "words").read_text().strip())


def test_a_scanner_that_fails_is_the_environments_fault(case: Case, scanner: Callable[[str, str], None]) -> None:
    scanner("trivy", "echo 'FATAL: --skip-db-update cannot be specified on the first run' >&2; exit 1")
    result = case.judge(None)
    assert (result.status, result.environment) == (Status.ERROR, True)
    assert "cannot be specified on the first run" in result.reason and "trivy image --download-db-only" in result.reason


def test_an_image_of_an_engine_is_named_there_and_known_by_its_digest(
    debian_image: str, scanner: Callable[[str, str], None], tmp_path: Path
) -> None:
    def judge(report: Path | None) -> Result:
        bench = Workbench(
            cache=tmp_path / "cache",
            runtime_name="auto",
            static=True,
            golden_folder=tmp_path / "golden",
            vulnerabilities=given_report(report),
        )
        subject = Subject(bench, Reference.parse(f"docker:{debian_image}"), Platform("linux/amd64"))
        result = run_check(CHECK, Context(subject, parse_policy("version: 1\n", tmp_path / "mediaimage.yaml")))
        names.append(str(subject.image.config_digest))
        bench.close()
        return result

    names: list[str] = []
    made = written(tmp_path / "made.json", grype())
    scanner("grype", f'echo "$@" > {tmp_path}/words; cp {made} "$out"')
    assert judge(None).status is Status.PASSED
    words = (tmp_path / "words").read_text()
    assert re.match(r"docker:sha256:[0-9a-f]{64} ", words), "its id: a name may be moved meanwhile"
    assert words.endswith("--platform linux/amd64\n")
    assert judge(made).status is Status.ERROR, "of another image"
    own = written(tmp_path / "own.json", grype(imageID=names[0], manifestDigest="sha256:made-up-by-the-scanner"))
    assert judge(own).status is Status.PASSED
