"""The pages of documentation that each check has: what it looks for, why, and how to mend it."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path | None:
    """Where the pages lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "docs" / "checks", package.parent / "docs" / "checks"):
        if candidate.is_dir():
            return candidate
    return None


def page(check: str) -> Path | None:
    """The page of a check, or of its family; None for a check that has none, as a team's own."""
    where = folder()
    if where is None or "/" in check:
        return None
    paths = (where / f"{name}.md" for name in (check, check.partition(".")[0]))
    return next((path for path in paths if path.is_file()), None)
