"""What a run tells: on the terminal, and in files. One module per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import UsageError
from ..storage import write_atomically
from . import json_report, markdown, sarif
from .account import Account

__all__ = ["FORMATS", "Account", "parse_destination", "write"]

_FORMATS: Mapping[str, Callable[[Account], str]] = {
    "json": json_report.text,
    "markdown": markdown.text,
    "sarif": sarif.text,
}
FORMATS = tuple(_FORMATS)


def parse_destination(text: str, directory: Path) -> tuple[str, Path]:
    """`FORMAT:PATH`, the path relative to `directory`. Raises UsageError."""
    kind, colon, path = text.partition(":")
    if kind not in FORMATS or not colon or not path:
        raise UsageError(
            f"--media-report {text!r} can't be understood",
            remedy=f"Write FORMAT:PATH, as in json:report.json; formats: {', '.join(FORMATS)}.",
        )
    return kind, directory / Path(path).expanduser()


def write(kind: str, path: Path, account: Account) -> None:
    """Write a report of a format out of FORMATS, whole or not at all. Raises StorageFault where it can't be."""
    write_atomically(path, _FORMATS[kind](account).encode(), mode=0o644)
