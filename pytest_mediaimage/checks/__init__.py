"""The checks, a module per family. A check is a plain function over a Context that yields findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..policy import Policy
from . import config, contents, ffmpeg, layers, license, reference, sbom, size, transcode
from .registry import Check

__all__ = ["ALL", "Check", "Planned", "known_ids", "plan"]

_FAMILIES = (reference, config, size, layers, contents, ffmpeg, license, sbom)
ALL: tuple[Check, ...] = (*(check for family in _FAMILIES for check in family.CHECKS), *transcode.checks())
"""In the order in which they are collected: what is read first, what is run last."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A check to be run on each image, on one hardware path where it has any."""

    check: Check
    hardware_path: str | None = None


def known_ids() -> frozenset[str]:
    """The ids that a policy may name."""
    return frozenset(check.id for check in ALL)


def plan(policy: Policy) -> Sequence[Planned]:
    """The checks that a policy asks for. Raises UsageError for an unknown transcode case or path."""
    planned = [Planned(check) for check in ALL if not check.id.startswith("transcode.")]
    cases = {check.id.removeprefix("transcode."): check for check in transcode.checks()}
    for name in policy.transcode_cases:
        if name not in cases:
            raise UsageError(
                f"{policy.source}: there is no transcode case {name!r}", remedy=f"Known: {', '.join(sorted(cases))}."
            )
        for path in policy.transcode_paths:
            if path not in transcode.PATHS:
                raise UsageError(
                    f"{policy.source}: there is no hardware path {path!r} in this version",
                    remedy=f"Known: {', '.join(transcode.PATHS)}.",
                )
            planned.append(Planned(cases[name], path))
    return planned
