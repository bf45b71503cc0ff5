"""What must hold when one of many things that a check found is mended."""

from __future__ import annotations

from pytest_mediaimage.result import Result


def fingerprints(result: Result) -> list[str]:
    return [finding.fingerprint(result.check) for finding in result.findings]


def assert_one_is_gone_and_nothing_new(before: Result, after: Result) -> None:
    """Else what is new fails, where what was there is known and tolerated."""
    was, now = fingerprints(before), fingerprints(after)
    assert len(set(was)) == len(was) > 1
    assert set(now) < set(was) and len(now) == len(was) - 1


def assert_still_the_same(before: Result, after: Result) -> None:
    """Of things that are too many for a finding each: there is one for all, whatever their number."""
    assert fingerprints(before) == fingerprints(after)
    assert len(before.findings) == 1 and before.findings[0].message != after.findings[0].message
