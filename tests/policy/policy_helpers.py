"""Writes policies and reads them."""

from __future__ import annotations

from pathlib import Path

from pytest_mediaimage.policy import Policy, load_policy

CHECKS = frozenset(
    [
        "reference.pinned",
        "size.compressed",
        "size.unpacked",
        "size.layer",
        "layers.count",
        "layers.waste",
        "contents.media",
        "contents.setuid",
        "contents.leftovers",
        "config.user",
        "license.ffmpeg",
        "license.patents",
        "ffmpeg.capabilities",
        "transcode.h264-aac",
    ]
)
NAME = "mediaimage.yaml"


def write(folder: Path, text: str | bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def load(folder: Path, text: str | bytes) -> Policy:
    return load_policy(write(folder, text), known_checks=CHECKS)
