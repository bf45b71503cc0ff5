"""What --media-checks prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..checks import Check
    from ..policy import Policy


def listing(checks: Iterable[Check], policy: Policy) -> str:
    """The checks with the severity that the policy gives them, and what each fails on."""
    rows = [
        (check.id, str(policy.severity.get(check.id, check.severity)), f"fails on {check.fails}") for check in checks
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]
    return "\n".join([f"checks by {policy.source} (severity of what they find; only errors fail):", *lines])
