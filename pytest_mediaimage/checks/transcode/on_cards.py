"""A packaged case on a hardware path: on the devices of this machine, with the path's encoder in its recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import CommandTimeout
from ...policy import OwnPath
from ...result import Finding, Severity
from ..context import Context
from .cards import ENCODING, MOST_DEVICES, Absent, absent, codec_of, container_with, failed_on, nodes_of
from .running import TranscodeFailed

if TYPE_CHECKING:
    from ...media.case import Case
    from ...media.hardware.devices import Node
    from ...media.hardware.proof import Attempt
    from ...runtime.base import Container

CODECS = {"h264-aac": "h264", "hevc-hdr10": "hevc", "av1-svt": "av1"}
"""The packaged cases that are also run on hardware, and what they encode."""
_TEN_BITS = ("hevc-hdr10",)
BUDGET = "proven, no worse than software"

Run = Callable[["Case", "Container"], Iterator[Finding]]
"""Runs a case in a container and judges it. Raises TranscodeFailed, CommandTimeout."""
Try = Callable[["Case", "Container"], "Attempt"]
"""Runs a case that may fail."""


def runs_on(case: str, path: str, how: str | OwnPath) -> bool:
    """Whether a case is run on a hardware path. On a team's own it is where the path's arguments name an encoder of
    the case's codec, for ten bits only where they say so."""
    codec = CODECS.get(case)
    if not isinstance(how, OwnPath):
        return codec is not None and path in ENCODING
    deep = any("10" in word for word in how.arguments)
    return codec is not None and codec == codec_of(how.arguments) and deep == (case in _TEN_BITS)


def on_cards(
    context: Context, case: Case, require: Callable[[Context, Case], None], run: Run, attempt: Try
) -> Iterator[Finding]:
    """Judge the case on the first device that does it well, or else tell what is wrong on the best. Skips where there
    is none, or where it can't encode this codec."""
    name = context.hardware_path or ""
    seen: list[tuple[list[Finding], object]] = []
    lacking = ""
    context.measure(None, budget=BUDGET)
    try:
        nodes, backend = nodes_of(name, context)
        for node in nodes[:MOST_DEVICES]:
            context.measure(None, budget=BUDGET)  # what another device gave is none of this one's
            fitted = fitted_to(context, case, name, node)
            require(context, fitted)
            try:
                findings = list(_on_node(context, fitted, node, backend, run, attempt))
            except Absent as reason:
                lacking = str(reason)
                continue
            seen.append((findings, context.measurement))
            if not any(map(_is_wrong, findings)):
                break
        if not seen:
            absent(lacking)
    except Absent as reason:
        context.skip(str(reason))
    best = min(seen, key=lambda pair: sum(map(_is_wrong, pair[0])))
    findings, context.measurement = best  # type: ignore[assignment]
    yield from findings


def _is_wrong(finding: Finding) -> bool:
    return finding.severity in (None, Severity.ERROR)


def fitted_to(context: Context, case: Case, name: str, node: Node) -> Case:
    """The case for a device of this machine. Skips where a team's own path can't be put into its command."""
    from ...media.hardware.cases import on_path
    from ...media.hardware.encoders import encoder_of, own_encoder, takes_ten_bits

    own = context.policy.transcode_paths.get(name)
    codec = CODECS[case.name]
    if isinstance(own, OwnPath):
        encoder = own_encoder(own.arguments, own.proof, node.path)
        if encoder is None:
            context.skip(f"the arguments of {name} can't be put into the case's command: see hardware.{name}")
    else:
        encoder = encoder_of(name, codec, node.path, ten_bits=takes_ten_bits(case.recipe))
    return on_path(case, codec, encoder, node.path)


def _on_node(context: Context, case: Case, node: Node, backend: str, run: Run, attempt: Try) -> Iterator[Finding]:
    container = container_with(node, backend, context)
    goldens = context.subject.bench.goldens
    goldens.later = None
    wrong = doubted = False
    try:
        for finding in run(case, container):
            wrong = wrong or _is_wrong(finding)
            doubted = doubted or finding.severity is not Severity.NOTE
            yield replace(finding, message=f"on {node.path}: {finding.message}")
    except TranscodeFailed as error:
        outcome = failed_on(node, backend, error, CODECS[case.name])
        yield Finding(
            f"on {node.path}: {outcome.verdict}: {outcome.reason}",
            evidence=f"{outcome.verdict}: {outcome.evidence}",
            fix=outcome.fix,
        )
        return
    except CommandTimeout as error:
        fix = "Look for a hung card in the kernel's log (dmesg)."
        yield Finding(f"on {node.path}: {error.message}", evidence="time-out", fix=fix)
        return
    finally:
        container.close()
    if not wrong:
        problems = list(_control(context, case, node, attempt))
        if goldens.later is not None and not problems and not doubted:
            goldens.later()
        yield from problems


def _control(context: Context, case: Case, node: Node, attempt: Try) -> Iterator[Finding]:
    """The same command in a container without the device must fail."""
    from ...media.hardware.proof import of_control

    container = context.subject.new_container()
    try:
        outcome = of_control(attempt(case, container))
    except CommandTimeout:
        return  # it made nothing without the device
    finally:
        container.close()
    if outcome is not None:
        message = f"on {node.path}: {outcome.verdict}: {outcome.reason}"
        yield Finding(message, evidence=outcome.evidence, fix=outcome.fix)
