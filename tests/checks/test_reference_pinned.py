"""`reference.pinned`: a tag of a registry, and what is none."""

from __future__ import annotations

from pathlib import Path

from manifest_images import AMD64, ARM64, Judge, index, judge, layout, live, said
from support.registry import Registry

from pytest_mediaimage.result import Status

__all__ = ["judge", "live"]
CHECK = "reference.pinned"


def test_a_tag_is_told_the_digest_that_it_means_now(judge: Judge, tmp_path: Path, live: Registry) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")
    result = judge(CHECK, f"registry:{live.address}/org/ffmpeg:1")
    assert [severity for severity, _ in said(result)] == ["warning"]
    assert result.findings[0].fix == f"Name it by digest, today's is {live.address}/org/ffmpeg@{digest}."
    assert judge(CHECK, f"{live.address}/org/ffmpeg@{digest}").findings == []


def test_of_an_index_it_is_the_index_that_is_named(judge: Judge, tmp_path: Path, live: Registry) -> None:
    root, made = index(tmp_path / "image", [AMD64, ARM64])
    digest = live.push(root, "org/ffmpeg", "1")
    (finding,) = judge(CHECK, f"registry:{live.address}/org/ffmpeg:1").findings
    assert digest in finding.fix and made[AMD64]["digest"] not in finding.fix


def test_a_tag_beside_a_digest_changes_nothing(judge: Judge, tmp_path: Path, live: Registry) -> None:
    digest = live.push(layout(tmp_path / "image"), "org/ffmpeg", "1")
    result = judge(CHECK, f"registry:{live.address}/org/ffmpeg:1@{digest}")
    assert (result.status, result.measured, said(result)) == (Status.PASSED, digest, [])


def test_the_fingerprint_outlives_a_new_digest(judge: Judge, tmp_path: Path, live: Registry) -> None:
    name = f"registry:{live.address}/org/ffmpeg:1"
    prints = set()
    for user in ("1", "2"):
        live.push(layout(tmp_path / user, config={"User": user}), "org/ffmpeg", "1")
        prints.add(judge(CHECK, name).findings[0].fingerprint(CHECK))
    assert len(prints) == 1


def test_a_file_has_no_reference_to_pin(judge: Judge, tmp_path: Path) -> None:
    assert judge(CHECK, layout(tmp_path / "image")).status is Status.SKIPPED
