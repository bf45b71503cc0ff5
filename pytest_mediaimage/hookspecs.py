"""Hooks that other plugins and conftest files may implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .checks.registry import Check
    from .result import Result


@pytest.hookspec
def pytest_mediaimage_checks(config: pytest.Config) -> Sequence[Check]:  # type: ignore[empty-body]
    """Returns a team's own checks: functions decorated with `pytest_mediaimage.check`.

    Called once in each process of a run with an image, and for --media-checks, before the policy is read: the policy
    may name them as it names any other. Implement it in a plugin, or in a conftest.py that pytest loads at its start
    (beside the policy, or in the first folder of tests). Ids read `family.name`, in a family of your own.
    """


@pytest.hookspec
def pytest_mediaimage_result(config: pytest.Config, result: Result) -> None:
    """Called once for each check's result as it arrives: in the main process, also under pytest-xdist.

    Use it to send measured values elsewhere; changing the result changes nothing.
    """
