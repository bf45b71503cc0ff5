"""Reports of grype and trivy in one model, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scanner_reports import (
    CONFIG,
    INDEX,
    LAYER,
    MANIFEST,
    grype,
    grype_match,
    trivy,
    trivy_vulnerability,
    written,
)

from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.sbom.vulnerabilities import Level, Report, ReportedImage, parse_report, read_report


def parsed(report: Any) -> Report:
    return parse_report(json.dumps(report).encode(), "report.json")


def test_grypes_report() -> None:
    report = parsed(grype(grype_match(related=("CVE-2025-1",))))
    (one,) = report.vulnerabilities
    assert (report.scanner, report.version, report.made[:10]) == ("grype", "0.104.0", "2026-11-20")
    assert report.image == ReportedImage(
        "registry.example.com/media/ffmpeg:7", CONFIG, MANIFEST, platform="linux/amd64"
    )
    assert (one.id, one.aliases, one.severity) == ("CVE-2025-1000", ("CVE-2025-1",), Level.HIGH)
    assert (one.package, one.version, one.fixed_version) == ("libfoo", "1.2-1", "1.2-3")
    assert (one.path, one.layer) == ("/var/lib/dpkg/status", LAYER)
    assert one.source == "https://tracker.example/CVE-2025-1000"


def test_trivys_report() -> None:
    report = parsed(trivy(trivy_vulnerability(path="app/node_modules/x/package.json")))
    (one,) = report.vulnerabilities
    assert (report.scanner, report.version, report.made[:10]) == ("trivy", "0.74.0", "2026-11-21")
    assert (report.image.config, report.image.diff_ids, report.image.platform) == (CONFIG, (LAYER,), "linux/amd64")
    assert (one.id, one.severity, one.package, one.version) == ("CVE-2025-1000", Level.HIGH, "libfoo", "1.2-1")
    assert (one.fixed_version, one.path, one.layer) == ("1.2-3", "/app/node_modules/x/package.json", LAYER)


def test_both_scanners_say_the_same_of_the_same() -> None:
    (one,) = parsed(grype(grype_match(path=""))).vulnerabilities
    (other,) = parsed(trivy(trivy_vulnerability())).vulnerabilities
    assert one == other


def test_what_the_scanner_itself_ignored_is_left_out() -> None:
    assert parsed(grype()).vulnerabilities == ()


def test_a_lock_file_is_a_path_and_the_name_of_a_language_is_none() -> None:
    report = trivy()
    report["Results"] = [
        {"Target": target, "Class": "lang-pkgs", "Vulnerabilities": [trivy_vulnerability(name=target)]}
        for target in ("Node.js", "app/poetry.lock")
    ]
    assert {one.package: one.path for one in parsed(report).vulnerabilities} == {
        "Node.js": "",
        "app/poetry.lock": "/app/poetry.lock",
    }


def test_the_gravest_come_first_and_each_stands_once() -> None:
    found = [grype_match(f"CVE-{n}", severity) for n, severity in enumerate(["Low", "Critical", "Negligible", "weird"])]
    report = parsed(grype(*found, *found))
    assert [str(one.severity) for one in report.vulnerabilities] == ["critical", "low", "negligible", "unknown"]


def test_a_report_of_an_sbom_or_a_directory_names_no_image() -> None:
    assert not parsed(grype(target="/tmp/bom.json")).image.is_named()
    assert not parsed({**trivy(), "ArtifactType": "cyclonedx"}).image.is_named()
    assert not parsed({"SchemaVersion": 2, "ArtifactName": "x"}).image.is_named()


@pytest.mark.parametrize(
    ("image", "same"),
    [
        (ReportedImage(config=CONFIG), True),
        (ReportedImage(manifest=MANIFEST), True),
        (ReportedImage(config=INDEX), True),  # containerd calls an image by its index
        (ReportedImage(config="sha256:other"), False),
        (ReportedImage(config="sha256:other", diff_ids=(LAYER,)), True),  # packed anew by another tool
        (ReportedImage(config="sha256:other", diff_ids=(LAYER, LAYER)), False),
        (ReportedImage(pulled=(INDEX,)), True),
        (ReportedImage(pulled=(INDEX,), platform="linux/amd64"), True),
        (ReportedImage(pulled=(INDEX,), platform="linux/arm64"), False),
        (ReportedImage(config="sha256:other", pulled=(INDEX,)), False),  # another platform of the same index
        (ReportedImage(pulled=("sha256:other",)), False),
    ],
)
def test_whether_a_report_is_of_an_image(image: ReportedImage, same: bool) -> None:
    assert image.is_of({CONFIG, MANIFEST, INDEX}, (LAYER,), "linux/amd64") is same


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "r.json is empty"),
        (b'{"matches": [\n  {"a":\n}', r"r\.json:3:1: no valid JSON: Expecting value"),
        (b"[]", "the document is a list, and must be an object"),
        (b"3", "the document is a number"),
        (b"{}", "r.json is JSON, and neither"),
        (b'{"bomFormat": "CycloneDX"}', "is a CycloneDX BOM, and neither"),
        (b'{"runs": []}', "is a SARIF log"),
        (b'{"matches": {}, "descriptor": {}}', "matches is an object, and must be a list"),
        (b'{"matches": [3], "descriptor": {}}', r"matches\[0\] is a number, and must be an object"),
        (b'{"matches": [{}], "descriptor": {}}', r"matches\[0\]\.vulnerability is null"),
        (
            b'{"matches": [{"vulnerability": {}, "artifact": {}}], "descriptor": {}}',
            r"matches\[0\]\.vulnerability\.id is missing",
        ),
        (
            b'{"matches": [{"vulnerability": {"id": "a", "severity": 3}, "artifact": {}}], "descriptor": {}}',
            r"matches\[0\]\.vulnerability\.severity is a number, and must be a text",
        ),
        (b'{"SchemaVersion": 1, "Results": []}', "SchemaVersion is 1; known is 2"),
        (b'{"SchemaVersion": 2, "Results": "none"}', "Results is a text, and must be a list"),
        (
            b'{"SchemaVersion": 2, "Results": [{"Vulnerabilities": [{"VulnerabilityID": "a"}]}]}',
            r"Results\[0\]\.Vulnerabilities\[0\]\.PkgName is missing",
        ),
        (b'{"matches": "\xff\xfe"}', "no text: byte 13"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"SchemaVersion": ' + b"9" * 5000 + b"}", "no valid JSON: Exceeds the limit"),
    ],
)
def test_a_file_that_is_no_report_says_where(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse_report(data, "r.json")
    assert "grype IMAGE -o json" in caught.value.remedy


def test_a_file_that_cant_be_read_or_is_too_large_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json can't be read: No such file"):
        read_report(tmp_path / "none.json")
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        read_report(tmp_path)
    path = written(tmp_path / "large.json", grype(grype_match()))
    assert len(read_report(path, largest=path.stat().st_size).vulnerabilities) == 1
    with pytest.raises(UsageError, match="is larger than 1000 bytes"):
        read_report(path, largest=1000)


def test_a_report_that_powershell_wrote_is_read() -> None:
    assert len(parse_report(json.dumps(grype(grype_match())).encode("utf-16"), "r").vulnerabilities) == 1
    assert len(parse_report(json.dumps(grype(grype_match())).encode("utf-8-sig"), "r").vulnerabilities) == 1


def test_nothing_of_a_report_moves_a_terminals_cursor() -> None:
    (one,) = parsed(grype(grype_match("CVE-1\x1b[2J\r\nfine", name="x" * 9000))).vulnerabilities
    assert one.id == "CVE-1?[2J??fine" and len(one.package) == 500


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in keys for place in _places(inner, (*path, key)))]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), which=st.sampled_from(["grype", "trivy"]))
def test_any_value_in_any_place_is_read_or_told(data: st.DataObject, which: str) -> None:
    report = grype(grype_match(related=("CVE-1",))) if which == "grype" else trivy(trivy_vulnerability(path="a/b"))
    place = data.draw(st.sampled_from(_places(report)[1:]))
    value = data.draw(_JSON)
    at: Any = report
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    try:
        read = parsed(report)
    except UsageError:
        return
    for one in read.vulnerabilities:
        assert one.id and one.package and str(one.id).isprintable()
    str(read), str(read.image)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), cut=st.integers(0, 2000))
def test_any_bytes_and_any_cut_report_are_told(data: bytes, cut: int) -> None:
    whole = json.dumps(trivy(trivy_vulnerability())).encode()
    for bad in (data, whole[: min(cut, len(whole) - 1)]):
        with pytest.raises(UsageError):
            parse_report(bad, "r")
