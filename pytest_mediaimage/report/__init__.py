"""What a run tells: on the terminal, and in files. One module per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import UsageError
from . import json_report, markdown, sarif, sbom_files
from .account import Account
from .files import write_file

__all__ = ["FORMATS", "Account", "is_sbom", "parse_destination", "write"]

_FORMATS: Mapping[str, Callable[[Account], str]] = {
    "json": json_report.text,
    "markdown": markdown.text,
    "sarif": sarif.text,
}
FORMATS = (*_FORMATS, *sbom_files.VERSIONS)


def is_sbom(kind: str) -> bool:
    """Whether a format is a BOM's: written for each image by `sbom_files.write_sboms`."""
    return kind in sbom_files.VERSIONS


def parse_destination(text: str, directory: Path) -> tuple[str, Path]:
    """`FORMAT:PATH`, the path relative to `directory`. Raises UsageError, also where there is no such folder."""
    kind, colon, path = text.partition(":")
    if kind not in FORMATS or not colon or not path:
        raise UsageError(
            f"--media-report {text!r} can't be understood",
            remedy=f"Write FORMAT:PATH, as in json:report.json; formats: {', '.join(FORMATS)}.",
        )
    try:
        file = directory / Path(path).expanduser()
    except RuntimeError as error:  # no such user
        raise UsageError(f"--media-report {text!r}: {error}") from None
    if not file.parent.is_dir():
        raise UsageError(f"--media-report {text!r}: there is no directory {file.parent}", remedy="Make it first.")
    return kind, file


def write(kind: str, path: Path, account: Account) -> None:
    """Write a report of a format out of FORMATS, whole or not at all. Raises StorageFault where it can't be.

    Of BOMs only what an earlier run left is removed, where this one couldn't begin.
    """
    if is_sbom(kind):
        if account.error is not None:
            sbom_files.remove_old(path)
        return
    write_file(kind, path, _FORMATS[kind](account))
