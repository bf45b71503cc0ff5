"""`license.label`: what the label claims against what was concluded from the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from binary_images import glibc, judge, told
from license_images import LABEL, PYAV, image

from pytest_mediaimage.checks.license.label import covers
from pytest_mediaimage.result import Result, Status
from pytest_mediaimage.sbom.licenses import Expression

GPL3 = b"--enable-gpl --enable-version3 --enable-libx264"
TEXT3 = b"GPL version 3 or later"


def of(
    tmp_path: Path, label: str | None, configuration: bytes = GPL3, stated: bytes = TEXT3, mode: str | None = None
) -> Result:
    config = {"Labels": {LABEL: label}} if label is not None else {}
    return judge(tmp_path, "license.label", image(configuration, stated), config=config, license_label=mode)


def test_a_gpl_build_that_is_labelled_lgpl_fails_with_both_values(tmp_path: Path) -> None:
    result = of(tmp_path, "LGPL-2.1-or-later")
    ((severity, message),) = told(result)
    assert (severity, result.status, result.measured) == ("error", Status.FAILED, "LGPL-2.1-or-later")
    assert "says LGPL-2.1-or-later, concluded is GPL-3.0-or-later (/usr/bin/ffmpeg: stated GPL-3.0-or-later" in message
    assert "x264 (GPL-2.0-or-later; configured: '--enable-libx264' at byte " in message


def test_a_build_that_calls_itself_lgpl_like_its_label_and_holds_x264_fails_too(tmp_path: Path) -> None:
    ((severity, message),) = told(of(tmp_path, "LGPL-3.0-or-later", PYAV, b"LGPL version 3 or later"))
    assert severity == "error" and "concluded is GPL-3.0-or-later" in message and "stated LGPL-3.0-or-later" in message


@pytest.mark.parametrize(
    "label",
    ["GPL-3.0-or-later", "GPL-3.0-only", "GPL-3.0+", "MIT AND GPL-3.0-or-later", "Apache-2.0 and gpl-3.0-or-later"],
)
@pytest.mark.parametrize("mode", [None, "covers"])
def test_a_label_that_covers_it_is_told_nothing(tmp_path: Path, label: str, mode: str | None) -> None:
    assert told(of(tmp_path, label, mode=mode)) == []


@pytest.mark.parametrize(
    ("label", "mild"),
    [
        (None, "note"),
        ("", "note"),
        # meant for the application, as most are
        ("MIT", "note"),
        ("GPL-2.0-or-later", "warning"),
        ("GPL-3.0-or-later OR MIT", "warning"),
        ("GPLv3", "warning"),
        ("MIT AND", "warning"),
    ],
)
def test_what_may_be_no_fault_is_milder_until_the_policy_asks(tmp_path: Path, label: str | None, mild: str) -> None:
    assert [severity for severity, _ in told(of(tmp_path, label))] == [mild]
    assert [severity for severity, _ in told(of(tmp_path, label, mode="covers"))] == ["error"]
    assert of(tmp_path, label, mode="ignore").status is Status.SKIPPED


def test_equals_takes_nothing_more_and_nothing_less(tmp_path: Path) -> None:
    assert told(of(tmp_path, "GPL-3.0-or-later", mode="equals")) == []
    for label in ("GPL-3.0-or-later AND MIT", "GPL-3.0-only", "LGPL-2.1-or-later"):
        ((severity, message),) = told(of(tmp_path, label, mode="equals"))
        assert severity == "error" and label in message and "GPL-3.0-or-later" in message


def test_debians_label_by_what_its_ffmpeg_states_is_no_error(tmp_path: Path) -> None:
    result = of(tmp_path, "GPL-2.0-or-later", b"--enable-gpl --enable-libcdio", b"GPL version 2 or later")
    ((severity, message),) = told(result)
    assert severity == "note" and "libcdio (GPL-3.0-or-later; configured: '--enable-libcdio' at byte" in message


def test_an_unknown_id_is_named_with_what_was_meant(tmp_path: Path) -> None:
    ((_, message),) = told(of(tmp_path, "GPLv3"))
    assert "'GPLv3' in 'GPLv3' is no licence that SPDX lists" in message and "GPL-3.0-only" in message


def test_without_ffmpeg_there_is_nothing_to_compare(tmp_path: Path) -> None:
    result = judge(tmp_path, "license.label", glibc(), config={"Labels": {LABEL: "MIT"}})
    assert result.status is Status.SKIPPED


@pytest.mark.parametrize(
    ("label", "concluded", "yes"),
    [
        ("LGPL-2.1-or-later", "LGPL-2.1-or-later", True),
        ("LGPL-3.0-only", "LGPL-2.1-or-later", True),
        ("GPL-2.0-only", "LGPL-3.0-or-later", True),
        ("LGPL-2.1-or-later", "LGPL-3.0-or-later", False),
        ("GPL-3.0-or-later", "LicenseRef-FFmpeg-nonfree", False),
        ("LicenseRef-Example-internal", "LicenseRef-FFmpeg-nonfree", True),
        ("MIT OR GPL-3.0-or-later", "GPL-3.0-or-later", False),
        ("MIT AND (GPL-3.0-or-later OR GPL-3.0-only)", "GPL-3.0-or-later", True),
    ],
)
def test_covering(label: str, concluded: str, yes: bool) -> None:
    assert covers(Expression.parse(label), concluded) is yes
