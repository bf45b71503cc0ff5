"""Many findings of one kind, so that what is known of an image stays known while it is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from ..result import Finding, Severity

_T = TypeVar("_T")

MOST = 1000
"""From this many on, findings of one kind are told in one: as many dangling hard links as a tree keeps."""
_NAMED = 3


def each(things: Sequence[_T], tell: Callable[[_T], Finding], what: str) -> Iterable[Finding]:
    """A finding for each thing; of MOST things and more, heaviest first, one for all of them.

    A list that is cut makes a new finding of what moves up when something above it is mended, and a new finding fails
    where known ones are tolerated. So nothing is cut: it is either all or one, whose evidence doesn't hold the count.
    Lists are cut where they are shown. `what` names the kind in the plural.
    """
    if len(things) < MOST:
        return map(tell, things)
    return (_together(things, tell, what),)


def _together(things: Sequence[_T], tell: Callable[[_T], Finding], what: str) -> Finding:
    first = tell(things[0])
    severities: set[Severity | None] = set()
    weight = 0
    for finding in map(tell, things):  # never all at once: a hostile image may have a million
        severities.add(finding.severity)
        weight += finding.bytes or 0
    named = list(dict.fromkeys(finding.file for finding in map(tell, islice(things, _NAMED)) if finding.file))
    return Finding(
        f"{len(things)} {what}" + (f", such as {', '.join(named)}" if named else ""),
        # None is the check's own, the worst that a finding may have.
        severity=None if None in severities else max(severity for severity in severities if severity),
        bytes=None if first.bytes is None else weight,
        evidence=f"many {what}",
        fix=first.fix,
    )
