"""CompatTest: a test of another tool's file, as a check of ours."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks.registry import Check


@dataclass(frozen=True, slots=True)
class CompatTest:
    """`line` is where it stands in its file; `reads_layers` is False where the configuration or a container answers."""

    name: str
    line: int
    check: Check
    reads_layers: bool = True
