"""What a run tells: on the terminal, and in files. One module per format."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError

FORMATS = ("json",)


def parse_destination(text: str, directory: Path) -> tuple[str, Path]:
    """`FORMAT:PATH`, the path relative to `directory`. Raises UsageError."""
    kind, colon, path = text.partition(":")
    if kind not in FORMATS or not colon or not path:
        raise UsageError(
            f"--media-report {text!r} can't be understood",
            remedy=f"Write FORMAT:PATH, as in json:report.json; formats: {', '.join(FORMATS)}.",
        )
    return kind, directory / Path(path).expanduser()
