"""Writes policies and reads them."""

from __future__ import annotations

from pathlib import Path

from pytest_mediaimage.checks.planning import known_ids
from pytest_mediaimage.policy import Policy, load_policy

# With ids that the tests name, whether there are such checks or not.
CHECKS = known_ids() | {"contents.setuid", "contents.leftovers", "license.patents"}
NAME = "mediaimage.yaml"


def write(folder: Path, text: str | bytes, name: str = NAME) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def load(folder: Path, text: str | bytes) -> Policy:
    return load_policy(write(folder, text), known_checks=CHECKS)
