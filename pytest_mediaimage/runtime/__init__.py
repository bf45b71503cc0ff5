"""Runs an image: one small protocol, and a runtime for each way of doing it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from .base import Runtime

RUNTIMES = {
    "sandbox": "pytest_mediaimage.runtime.sandbox:SandboxRuntime",
    "docker": "pytest_mediaimage.runtime.docker:DockerRuntime",
}
"""Name to `module:Class`; the class takes the cache directory, and is imported when it is wanted."""


def choose(name: str, *, cache: Path, prefer_docker: bool = False) -> Runtime:
    """The runtime called `name`, or for `auto` the first that works here.

    `auto` tries the sandbox first, since it starts in 10 ms; with `prefer_docker`, for an image that lives
    in the engine, Docker first. Raises UsageError for an unknown name, and EnvironmentFault (its subclass
    for the runtime tried first) where none works, with each one's reason and remedy.
    """
    if name != "auto":
        if name not in RUNTIMES:
            raise UsageError(f"unknown runtime {name!r}", remedy=f"Known are: auto, {', '.join(sorted(RUNTIMES))}.")
        return _make(name, cache)
    order = ("docker", "sandbox") if prefer_docker else ("sandbox", "docker")
    faults: dict[str, EnvironmentFault] = {}
    for candidate in order:
        try:
            return _make(candidate, cache)
        except EnvironmentFault as fault:
            faults[candidate] = fault
    reasons = "".join(f"\n  - {candidate}: {fault}" for candidate, fault in faults.items())
    raise type(faults[order[0]])(
        f"no runtime can start containers here; tried:{reasons}\n",
        remedy="Or use --media-static, which starts nothing.",
    )


def _make(name: str, cache: Path) -> Runtime:
    module, _, attribute = RUNTIMES[name].partition(":")
    runtime: Runtime = getattr(importlib.import_module(module), attribute)(cache)
    return runtime
