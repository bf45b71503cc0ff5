"""All checks there are, and those that a policy asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..policy import OwnPath, Policy
from ..policy.model import BASE_CASE
from . import (
    binaries,
    config,
    container,
    contents,
    ffmpeg,
    hardware,
    layers,
    license,
    manifest,
    reference,
    sbom,
    size,
    vulnerabilities,
)
from .own import own_checks
from .registry import Check
from .transcode import cards, case_files, hardened, limits, on_cards, speed
from .transcode import cases as transcode

ALL_CASES = "all"
"""Stands in a policy for every packaged transcode case and each of the team's own."""

_FAMILIES = (
    *(reference, manifest, config, size, layers, contents, binaries, ffmpeg, hardware, license, sbom, vulnerabilities),
    container,
)
_IN_PRODUCTION = (hardened.hardened, limits.limits, speed.speed)
"""Transcodes of our own, whatever cases the policy names."""
ALL: tuple[Check, ...] = (
    *(check for family in _FAMILIES for check in family.CHECKS),
    *transcode.checks(),
    *_IN_PRODUCTION,
)
"""In the order in which they are collected: what is read first, what is run last."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A check to be run on each image, on one hardware path where it has any."""

    check: Check
    hardware_path: str | None = None


def look_over(registered: Iterable[object]) -> tuple[Check, ...]:
    """A team's own checks, as hooks returned them, ready to be planned. Raises UsageError for what can't be a check."""
    return own_checks(registered, ALL)


def known_ids(own: Sequence[Check] = ()) -> frozenset[str]:
    """The ids that a policy may name; `own` are a team's own checks."""
    return frozenset(check.id for check in (*ALL, *own))


def plan(policy: Policy, own: Sequence[Check] = (), present: Sequence[str] = ()) -> Sequence[Planned]:
    """The checks that a policy asks for, then `own`. Raises UsageError for an unknown transcode case or path.

    `present` are hardware paths that the caller says are there, whatever the policy promises.
    """
    planned = [Planned(check, _path_of(check)) for check in ALL if not check.id.startswith("transcode.")]
    for path, how in policy.transcode_paths.items():
        if isinstance(how, OwnPath):
            planned.append(Planned(hardware.check_of(path), path))
    cases = {check.id.removeprefix("transcode."): check for check in transcode.checks()}
    for path in policy.transcode_paths:
        known = (*transcode.PATHS, *cards.HARDWARE)
        if path not in known and not isinstance(policy.transcode_paths[path], OwnPath):
            raise UsageError(
                f"{policy.source}: there is no hardware path {path!r}",
                remedy=f"Known: {', '.join((*transcode.PATHS, *cards.HARDWARE))}.",
            )
    asked_for = [path for path in present if path in cards.HARDWARE and path not in policy.transcode_paths]
    paths = {**policy.transcode_paths, **dict.fromkeys(asked_for, "if-present")}
    own_names = case_files.names(policy.directory)
    for name in _cases(policy.transcode_cases, own_names):
        check = cases.get(name) or transcode.own_check(policy.directory, name)
        if check is None:
            raise UsageError(
                f"{policy.source}: there is no transcode case {name!r}",
                remedy=f"Known: {', '.join((ALL_CASES, *sorted(cases), *own_names))}. A case of your own is a file "
                f"{case_files.FOLDER}/{name}.yaml beside the policy.",
            )
        for path, how in paths.items():
            if path in transcode.PATHS or on_cards.runs_on(name, path, how):
                planned.append(Planned(check, path))
    fast = [path for path, how in paths.items() if on_cards.runs_on(BASE_CASE, path, how)]
    on_hardware = [Planned(speed.speed, path) for path in fast]
    return [*planned, *map(Planned, _IN_PRODUCTION), *on_hardware, *map(Planned, own)]


def left_out(policy: Policy) -> Sequence[str]:
    """A line for a team's own cases that the policy doesn't name, and one for files with another ending."""
    lines = []
    own = case_files.names(policy.directory)
    named = _cases(policy.transcode_cases, own)
    if unnamed := [name for name in own if name not in named]:
        verb, they = ("isn't", "it") if len(unnamed) == 1 else ("aren't", "they")
        lines.append(
            f"{_files(unnamed, 'yaml')} {verb} in transcode.cases of {policy.source}, so {they} {verb} run: "
            f"add {', '.join(unnamed)} there, or {ALL_CASES}"
        )
    if other := sorted(path.stem for path in (policy.directory / case_files.FOLDER).glob("*.yml")):
        lines.append(f"{_files(other, 'yml')} {'is' if len(other) == 1 else 'are'} not read: a case ends in .yaml")
    return lines


def _files(names: Sequence[str], ending: str) -> str:
    return ", ".join(f"{case_files.FOLDER}/{name}.{ending}" for name in names)


def _path_of(check: Check) -> str | None:
    """The hardware path that a check is about as a whole."""
    name = check.id.removeprefix("hardware.")
    return name if name != check.id and name in cards.HARDWARE else None


def _cases(named: Sequence[str], own: Sequence[str]) -> Sequence[str]:
    """The names of cases, `all` replaced by what it stands for, each once."""
    every = (*transcode.CASES, *own)
    return list(dict.fromkeys(name for word in named for name in (every if word == ALL_CASES else (word,))))
