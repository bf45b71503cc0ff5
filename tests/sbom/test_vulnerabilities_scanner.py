"""The running of grype and trivy, with scripts in their place: neither can be had where these tests run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.scanner_reports import grype, grype_match, trivy, trivy_vulnerability, written

from pytest_mediaimage.errors import StorageFault, ToolUnavailable
from pytest_mediaimage.sbom.vulnerabilities import Scanner, Target, find_scanner

Put = Callable[..., Path]
LAYOUT = Target("oci-dir", "/images/layout", "linux/amd64")
ENGINE = Target("docker", "media/ffmpeg:7", "linux/arm64")


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put a script that poses as a scanner on a PATH without any other. `$out` is the file that it is to write."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(name: str, lines: str) -> Path:
        script = folder / name
        find_out = 'prev=; for word in "$@"; do case "$prev" in --file|--output) out=$word;; esac; prev=$word; done'
        script.write_text(f"#!/bin/sh\n{find_out}\n{lines}\n")
        script.chmod(0o755)
        return script

    return write


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def scanner() -> Scanner:
    found = find_scanner()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("grype", LAYOUT, "oci-dir:/images/layout --output json --file OUT"),
        ("grype", ENGINE, "docker:media/ffmpeg:7 --output json --file OUT --platform linux/arm64"),
        (
            "trivy",
            LAYOUT,
            "image --format json --output OUT --scanners vuln --exit-code 0 --quiet --input /images/layout",
        ),
        (
            "trivy",
            ENGINE,
            "image --format json --output OUT --scanners vuln --exit-code 0 --quiet --image-src docker "
            "--platform linux/arm64 media/ffmpeg:7",
        ),
    ],
)
def test_a_scanner_is_run_and_its_report_read(
    put: Put, work: Path, tmp_path: Path, name: str, target: Target, words: str
) -> None:
    report = grype(grype_match()) if name == "grype" else trivy(trivy_vulnerability())
    made = written(tmp_path / "made.json", report)
    put(name, f'echo "$@" > {tmp_path}/words; echo "$PWD" > {tmp_path}/where; cp {made} "$out"')
    read = scanner().scan(target, work=work)
    assert (read.scanner, len(read.vulnerabilities)) == (name, 1)
    said = (tmp_path / "words").read_text().split()
    assert [word if "report.json" not in word else "OUT" for word in said] == words.split()
    assert (tmp_path / "where").read_text().startswith(f"{work}/"), "no settings of the user's folder"
    assert list(work.iterdir()) == [], "nothing is left behind"


def test_grype_is_preferred_and_either_may_be_wanted(put: Put) -> None:
    assert find_scanner() is None
    put("trivy", "")
    assert find_scanner("grype") is None and scanner().name == "trivy"
    put("grype", "")
    assert scanner().name == "grype"
    assert (found := find_scanner("trivy")) and found.name == "trivy"
    assert find_scanner("none") is None


def test_settings_that_hide_something_are_left_out_and_those_of_databases_stay(
    put: Put, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIVY_SEVERITY", "CRITICAL")
    monkeypatch.setenv("TRIVY_DB_REPOSITORY", "registry.example.com/trivy-db")
    made = written(tmp_path / "made.json", trivy())
    put("trivy", f'env > {tmp_path}/env; cp {made} "$out"')
    scanner().scan(LAYOUT, work=work)
    env = (tmp_path / "env").read_text()
    assert f"TMPDIR={work}/scan-" in env, "an image is unpacked where it is removed"
    assert "TRIVY_SEVERITY" not in env and "TRIVY_DB_REPOSITORY=registry.example.com/trivy-db" in env


def test_a_scanner_that_fails_is_a_fault_of_the_environment_with_its_words(put: Put, work: Path) -> None:
    put("grype", "echo 'failed to load vulnerability db: no such host' >&2; exit 1")
    with pytest.raises(ToolUnavailable, match="exit code 1: failed to load vulnerability db") as caught:
        scanner().scan(LAYOUT, work=work)
    assert "grype db update" in caught.value.remedy and "--media-vulnerabilities FILE" in caught.value.remedy
    assert list(work.iterdir()) == []


def test_grypes_own_threshold_isnt_a_failure(put: Put, work: Path, tmp_path: Path) -> None:
    made = written(tmp_path / "made.json", grype(grype_match()))
    put("grype", f'cp {made} "$out"; exit 2')
    assert len(scanner().scan(LAYOUT, work=work).vulnerabilities) == 1


@pytest.mark.parametrize("lines", ["true", 'echo "no json" > "$out"', "echo {} > $out", ': > "$out"'])
def test_a_scanner_that_writes_no_report_is_told(put: Put, work: Path, lines: str) -> None:
    put("trivy", f"{lines}; echo its own words >&2")
    with pytest.raises(ToolUnavailable, match=r"wrote no report: .*its own words"):
        scanner().scan(LAYOUT, work=work)


def test_a_scanner_that_hangs_is_killed_with_what_it_started(put: Put, work: Path, tmp_path: Path) -> None:
    put("grype", f"sleep 600 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(ToolUnavailable, match="no report after 1 s"):
        scanner().scan(LAYOUT, work=work, timeout=1)
    until = time.monotonic() + 20
    while _lives(int((tmp_path / "child").read_text())):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_full_disk_is_no_fault_of_the_scanner(put: Put, work: Path) -> None:
    put("grype", "echo 'write /tmp/x: no space left on device' >&2; exit 1")
    with pytest.raises(StorageFault, match="ran out of space"):
        scanner().scan(LAYOUT, work=work)


def test_a_program_that_cant_be_run_is_told(put: Put, work: Path) -> None:
    script = put("grype", "")
    script.write_bytes(b"\x7fELF no program")
    with pytest.raises(ToolUnavailable):
        scanner().scan(LAYOUT, work=work)
    assert os.access(script, os.X_OK)


def test_a_scanner_that_prints_without_an_end_fills_nothing(put: Put, work: Path, tmp_path: Path) -> None:
    made = written(tmp_path / "made.json", json.loads(json.dumps(grype())))
    put("grype", f'head -c 3000000 /dev/zero; head -c 30000 /dev/zero | tr "\\0" x >&2; cp {made} "$out"')
    assert scanner().scan(LAYOUT, work=work).vulnerabilities == ()
