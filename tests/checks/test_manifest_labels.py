"""`manifest.labels`: what a policy asks for, and what OCI says a label must look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_images import Judge, errors, judge, layout, said

from pytest_mediaimage.result import Status

__all__ = ["judge"]
CHECK = "manifest.labels"
OCI = "org.opencontainers.image."


def test_no_labels_and_none_asked_for_pass(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, layout(tmp_path / "a"))
    assert (result.status, result.measured, result.unit, said(result)) == (Status.PASSED, 0, "OCI labels", [])


def test_required_labels_that_are_missing_or_empty_fail(judge: Judge, tmp_path: Path) -> None:
    root = layout(tmp_path / "a", config={"Labels": {f"{OCI}revision": " ", f"{OCI}title": "ffmpeg", "team": "media"}})
    wanted = (f"{OCI}revision", f"{OCI}source", f"{OCI}title", "team")
    result = judge(CHECK, root, image_labels=wanted)
    assert said(result) == [
        ("error", f"the label {OCI}revision is empty"),
        ("error", f"the label {OCI}source is missing"),
    ]
    assert (result.measured, result.budget) == (2, 4)


def test_an_annotation_of_the_manifest_serves_as_well(judge: Judge, tmp_path: Path) -> None:
    root = layout(tmp_path / "a", annotations={f"{OCI}source": "https://git.example.com/media/ffmpeg"})
    assert said(judge(CHECK, root, image_labels=(f"{OCI}source",))) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created", "yesterday"),
        ("created", "2026-01-31"),
        ("created", "2026-02-31T00:00:00Z"),
        ("created", "1767225600"),
        ("licenses", "GNU General Public License v3"),
        ("licenses", "MIT, BSD-3-Clause"),
        ("licenses", "(MIT OR ISC"),
        ("source", "git@git.example.com:media/ffmpeg.git"),
        ("url", "media/ffmpeg"),
        ("documentation", "https://example.com/read me"),
        ("revision", ""),
        ("version", " "),
    ],
)
def test_malformed_labels_are_warned_of(judge: Judge, tmp_path: Path, name: str, value: str) -> None:
    result = judge(CHECK, layout(tmp_path / "a", config={"Labels": {OCI + name: value}}))
    ((severity, message),) = said(result)
    assert severity == "warning" and message.startswith(f"the label {OCI}{name} is ")
    assert result.status is Status.PASSED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created", "2026-01-31T12:00:00Z"),
        ("created", "2026-01-31T12:00:00.123456789+01:00"),
        ("created", "2020-05-04 00:00:00+01:00"),  # the images of CentOS
        ("licenses", "GPL-3.0-or-later"),
        ("licenses", "(GPL-2.0-only WITH Classpath-exception-2.0 OR MIT) AND LicenseRef-own"),
        ("licenses", "GPLv2"),  # no SPDX id, which license.* judges
        ("source", "https://git.example.com/media/ffmpeg"),
        ("source", "ssh://git@git.example.com/media/ffmpeg.git"),
        ("base.name", "docker.io/library/debian:13"),
        ("description", "FFmpeg, with what we need"),
        ("vendor", "Example & Co"),
    ],
)
def test_what_is_well_formed_is_not(judge: Judge, tmp_path: Path, name: str, value: str) -> None:
    assert said(judge(CHECK, layout(tmp_path / "a", config={"Labels": {OCI + name: value}}))) == []


def test_labels_of_others_are_theirs(judge: Judge, tmp_path: Path) -> None:
    labels = {"created": "yesterday", "maintainer": "", "com.example.source": "x", "org.label-schema.url": ""}
    assert said(judge(CHECK, layout(tmp_path / "a", config={"Labels": labels}))) == []


def test_a_required_label_may_be_malformed_all_the_same(judge: Judge, tmp_path: Path) -> None:
    root = layout(tmp_path / "a", config={"Labels": {f"{OCI}created": "yesterday"}})
    result = judge(CHECK, root, image_labels=(f"{OCI}created",))
    assert errors(result) == [] and len(result.findings) == 1


def test_a_huge_label_costs_no_time(judge: Judge, tmp_path: Path) -> None:
    labels = {f"{OCI}licenses": "MIT " * 300_000, f"{OCI}source": "https://" + "a" * 1_000_000}
    for _, message in said(judge(CHECK, layout(tmp_path / "a", config={"Labels": labels}))):
        assert len(message) < 300
