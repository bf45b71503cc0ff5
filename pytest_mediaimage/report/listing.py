"""What --media-checks prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .pages import folder

if TYPE_CHECKING:
    from ..checks.registry import Check
    from ..policy import Policy


def listing(checks: Iterable[Check], policy: Policy) -> str:
    """The checks with the severity that the policy gives them, what each fails on, and where more about them stands."""
    rows = [
        (check.id, str(policy.severity.get(check.id, check.severity)), f"fails on {check.fails}") for check in checks
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]
    where = folder()
    more = [f"a page for each: {where / 'CHECK.md'}"] if where else []
    return "\n".join([f"checks by {policy.source} (severity of what they find; only errors fail):", *lines, *more])
