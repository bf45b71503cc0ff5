"""`manifest.parity`: what differs between platforms, and what has to."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from manifest_images import AMD64, ARM7, ARM64, Judge, errors, index, judge, layout, one, said

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg
from pytest_mediaimage.result import Status

__all__ = ["judge"]
CHECK = "manifest.parity"
OCI = "org.opencontainers.image."


def two(root: Path, amd64: dict[str, Any], arm64: dict[str, Any]) -> Path:
    return index(root, {AMD64: {"config": amd64}, ARM64: {"config": arm64}})[0]


def test_one_platform_has_nothing_to_differ_from(judge: Judge, tmp_path: Path) -> None:
    result = judge(CHECK, layout(tmp_path / "a"))
    assert (result.status, result.reason) == (Status.SKIPPED, "the image has one platform")
    windows, _ = index(tmp_path / "b", {AMD64: {}, "windows/amd64": {"config": {"User": "ContainerUser"}}})
    assert judge(CHECK, windows).status is Status.SKIPPED


def test_platforms_that_are_alike_pass(judge: Judge, tmp_path: Path) -> None:
    root, _ = index(tmp_path / "a", [AMD64, ARM64, ARM7])
    result = judge(CHECK, root)
    assert (result.status, result.measured, said(result)) == (
        Status.PASSED,
        "2 other platforms, the contents of 0",
        [],
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ({"Labels": {"team": "media"}}, {}, "in labels: team (missing there)"),
        ({"Labels": {"tier": "1"}}, {"Labels": {"tier": "2"}}, "in labels: tier ('2', not '1')"),
        ({}, {"Env": ["FFREPORT=1"]}, "in environment variables: FFREPORT (only there)"),
        ({"Env": ["THREADS=4"]}, {"Env": ["THREADS=2"]}, "THREADS ('2', not '4')"),
        ({"Entrypoint": ["/app"]}, {"Entrypoint": ["/bin/sh"]}, "has another entry point than linux/amd64: /bin/sh"),
        ({"Cmd": ["-h"]}, {}, "has another command than linux/amd64: none, not -h"),
        ({"User": "1000"}, {"User": "0"}, "has another user than linux/amd64: 0, not 1000"),
        ({"WorkingDir": "/app"}, {"WorkingDir": "/"}, "has another working directory"),
    ],
)
def test_what_differs_is_warned_of(
    judge: Judge, tmp_path: Path, ours: dict[str, Any], theirs: dict[str, Any], words: str
) -> None:
    result = judge(CHECK, two(tmp_path / "a", ours, theirs))
    ((severity, message),) = said(result)
    assert severity == "warning" and message.startswith("linux/arm64 ") and words in message
    assert result.status is Status.PASSED


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu:/opt/lib", "LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu:/opt/lib"),
        ("JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64", "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-arm64"),
        ("TARGETPLATFORM=linux/amd64", "TARGETPLATFORM=linux/arm64/v8"),
        ("NVARCH=x86_64", "NVARCH=sbsa"),
        ("NV_LIBNCCL_PACKAGE=libnccl2=2.19", "OTHER_SHA256=1"),
        ("PYTHON_SHA256=" + "ab" * 32, "PYTHON_SHA256=" + "cd" * 32),
        ("COMMIT=0123456789abcdef", "COMMIT=fedcba9876543210"),
    ],
)
def test_what_has_to_differ_does_not_count(judge: Judge, tmp_path: Path, ours: str, theirs: str) -> None:
    assert said(judge(CHECK, two(tmp_path / "a", {"Env": [ours]}, {"Env": [theirs]}))) == []


def test_labels_of_each_build_do_not_count(judge: Judge, tmp_path: Path) -> None:
    ours = {f"{OCI}created": "2026-01-01T00:00:00Z", "build-date": "1", f"{OCI}ref.name": "debian-amd64"}
    theirs = {f"{OCI}created": "2026-01-01T00:20:00Z", "build-date": "2"}
    assert said(judge(CHECK, two(tmp_path / "a", {"Labels": ours}, {"Labels": theirs}))) == []


def test_twice_the_size_is_warned_of_and_a_third_more_is_not(judge: Judge, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(300_000)

    def sizes(root: Path, ours: int, theirs: int) -> Path:
        made = {AMD64: {"layers": [one(noise[:ours])]}, ARM64: {"layers": [one(noise[:theirs])]}}
        return index(root, made)[0]

    ((_, message),) = said(judge(CHECK, sizes(tmp_path / "a", 100_000, 300_000)))
    assert message.startswith("linux/arm64 takes 300") and message.endswith("3.0 times as much")
    ((_, message),) = said(judge(CHECK, sizes(tmp_path / "b", 300_000, 100_000)))
    assert "linux/arm64 takes 100" in message
    assert said(judge(CHECK, sizes(tmp_path / "c", 150_000, 200_000))) == []


def test_ffmpeg_is_compared_where_both_platforms_have_been_read(judge: Judge, tmp_path: Path) -> None:
    tool = layer([Item("usr/bin/ffmpeg", find_ffmpeg(), mode=0o755)], "COPY ffmpeg /usr/bin", compression="none")
    filler = layer([Item("opt/filler", find_ffmpeg())], "COPY filler", compression="none")
    both = {"layers": [tool, layer([Item("usr/bin/ffprobe", find_ffmpeg(), mode=0o755)], compression="none")]}
    root, _ = index(tmp_path / "a", {AMD64: {"layers": [tool, filler]}, ARM64: both})
    unread = judge(CHECK, root, read=True)
    assert (unread.measured, said(unread)) == ("1 other platform, the contents of 0", [])
    ((_, message),) = said(judge(CHECK, root, platform=ARM64, read=True))
    assert message.startswith("linux/amd64 differs from linux/arm64 in FFmpeg: ")
    assert "ffprobe (missing there)" in message and "filler (only there)" in message
    assert judge(CHECK, root).measured == "1 other platform, the contents of 1"


def test_the_same_ffmpeg_passes(judge: Judge, tmp_path: Path) -> None:
    tool = layer([Item("usr/bin/ffmpeg", find_ffmpeg(), mode=0o755)], "COPY ffmpeg /usr/bin", compression="none")
    made = {name: {"layers": [tool, one(name.encode())]} for name in (AMD64, ARM64)}
    root, _ = index(tmp_path / "a", made)
    judge(CHECK, root, platform=ARM64, read=True)
    result = judge(CHECK, root, read=True)
    assert (result.measured, errors(result), said(result)) == ("1 other platform, the contents of 1", [], [])
