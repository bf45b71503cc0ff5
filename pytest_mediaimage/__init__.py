"""Tells whether a container image of a media workload is fit to ship.

Here is what a team's own checks are made of: the decorator `check`, and `Context`, `Finding` and `Severity`. They are
loaded when they are asked for, so that a pytest run without an image pays nothing for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks.context import Context
    from .checks.registry import check
    from .result import Finding, Severity

__all__ = ["Context", "Finding", "Severity", "__version__", "check"]

__version__ = "0.1.0"

_HOMES = {"Context": "checks.context", "check": "checks.registry", "Finding": "result", "Severity": "result"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
