"""Hooks that other plugins and conftest files may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .result import Result


@pytest.hookspec
def pytest_mediaimage_result(config: pytest.Config, result: Result) -> None:
    """Called once for each check's result as it arrives: in the main process, also under pytest-xdist.

    Use it to send measured values elsewhere; changing the result changes nothing.
    """
