"""`hardware.<path>`: a hardware path works in the image, on this machine's device, and provably so."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandTimeout
from ...policy import OwnPath
from ...result import Finding, Severity
from ..context import Context
from ..registry import Check
from ..subject import UNUSABLE, FFmpegFailed
from ..transcode.cards import HARDWARE, MOST_DEVICES, Absent, absent, container_with, nodes_of

if TYPE_CHECKING:
    from ...media.hardware.devices import Node
    from ...media.hardware.paths import Probe
    from ...media.hardware.proof import Outcome

_PROBE_SECONDS = 60.0


def check_of(name: str) -> Check:
    """The check of one path, packaged or a team's own."""
    return Check(
        id=f"hardware.{name}",
        fails=f"{name} that falls back to software, fails, or gives wrong pictures on a device of this machine",
        why="A silent fallback shows on no exit code: the GPU idles, and the processor is too slow for the jobs.",
        function=partial(_path, name),
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all probes of one path share: the number in their clips' frames, and a folder for clips and outputs."""

    context: Context
    program: str
    backend: str
    nonce: int
    folder: Path

    def clip(self, probe: Probe) -> Path:
        """What the probe is given, made when first asked for."""
        from ...media.hardware.coded import coded_clip

        path = self.folder / f"fresh-{probe.codec}-{probe.bits}.mp4"
        if not path.is_file():
            coded_clip(path, probe.codec, probe.bits, self.nonce)
        return path


def _path(name: str, context: Context) -> Iterator[Finding]:
    context.measure(None, budget="proven")
    named = name in context.subject.bench.hardware
    if not named and name not in context.policy.transcode_paths:
        context.skip("neither the policy (transcode.paths) nor --media-hardware names this path")
    if context.subject.static:
        context.skip("nothing is started under --media-static")
    try:
        yield from _judge(name, context)
    except Absent as reason:
        if not named:
            context.skip(str(reason))
        context.measure("absent", budget="proven")
        yield Finding(
            f"--media-hardware asks for {name}, but {reason}",
            evidence=f"{name} absent",
            fix="Run on a machine that has it, or leave it out of --media-hardware.",
        )


def _judge(name: str, context: Context) -> Iterator[Finding]:
    from ...media.clip import fresh_nonce

    nodes, backend = nodes_of(name, context)
    program = context.subject.ffmpeg_program()
    if program is None:
        absent("the image has no ffmpeg")
    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="hardware-") as folder:
        bench = _Bench(context, program, backend, fresh_nonce(), Path(folder))
        outcomes: dict[str, list[tuple[str, Outcome]]] = {}
        refused = ""
        for node in nodes[:MOST_DEVICES]:
            try:
                outcomes[node.path] = _on_device(name, bench, node)
            except Absent as reason:
                refused = str(reason)
                continue
            if all(outcome.proven for _, outcome in outcomes[node.path]):
                break
        if not outcomes:
            absent(refused)
        best = max(outcomes, key=lambda device: sum(outcome.proven for _, outcome in outcomes[device]))
    yield from _told(name, context, best, outcomes[best])


def _on_device(name: str, bench: _Bench, node: Node) -> list[tuple[str, Outcome]]:
    """What each probe gave on one device. A device that the runtime can't hand on makes the path absent."""
    from ...media.hardware.diagnosis import Verdict
    from ...media.hardware.paths import PATHS, own_probe
    from ...media.hardware.proof import Outcome

    own = bench.context.policy.transcode_paths.get(name)
    lacking: list[str] = []
    further: list[Probe] = []
    if isinstance(own, OwnPath):
        probes = [own_probe(own.arguments, own.proof, node.path)]
    else:
        probes, lacking = _buildable(bench, PATHS[name].probes(node.path))
        further, _ = _buildable(bench, PATHS[name].further(node.path))
    if not probes:
        reason = f"{bench.program} lacks {', '.join(lacking)}"
        fix = "Build FFmpeg with it, or take the path out of transcode.paths: see hardware.reachable."
        return [("", Outcome(Verdict.BROKEN, reason, f"{name} isn't built in", fix))]
    container = container_with(node, bench.backend, bench.context)
    try:
        outcomes = [(probe.name, _run(bench, probe, container)) for probe in probes]
        # A card that decodes nothing needs not be asked for more.
        if any(outcome.proven for probe, (_, outcome) in zip(probes, outcomes, strict=True) if probe.kind == "decode"):
            outcomes += [(probe.name, _run(bench, probe, container)) for probe in further]
        return outcomes
    finally:
        container.close()


def _buildable(bench: _Bench, probes: Sequence[Probe]) -> tuple[list[Probe], list[str]]:
    """What can be run, and what the build lacks for the rest."""
    try:
        listed = bench.context.subject.listings()
    except FFmpegFailed:
        bench.context.skip(UNUSABLE)
    can, lacking = [], []
    for probe in probes:
        missing = [
            f"the {kind} {word}"
            for kind, word, has in (
                ("encoder", probe.encoder, listed.encoders),
                ("decoder", probe.decoder, listed.decoders),
                ("hwaccel", probe.hwaccel, _hwaccels(bench) if probe.hwaccel else frozenset()),
            )
            if word and word not in has
        ]
        lacking += missing
        if not missing:
            can.append(probe)
    return can, lacking


def _hwaccels(bench: _Bench) -> frozenset[str]:
    """What `-hwaccels` lists below its title."""
    result = bench.context.subject.container().run([bench.program, "-hide_banner", "-hwaccels"], timeout=30)
    return frozenset(result.stdout.split("methods:")[-1].split())


def _run(bench: _Bench, probe: Probe, container: object) -> Outcome:
    """Run it with the device, and where all is well without it: then it must fail."""
    from ...media.hardware import proof
    from ...media.hardware.diagnosis import Verdict
    from .attempt import Command, attempt

    clip = bench.clip(probe)
    command = Command(probe.argv, bench.program, probe.output, _PROBE_SECONDS)
    try:
        made, _ = attempt(container, command, clip, bench.folder)  # type: ignore[arg-type]
    except CommandTimeout as error:
        fix = "Look for a hung card in the kernel's log (dmesg)."
        return proof.Outcome(Verdict.BROKEN, error.message, "time-out", fix)
    outcome = proof.of_attempt(probe, bench.backend, made, clip, bench.nonce)
    if not outcome.proven:
        # Every card that decodes at all decodes H.264; what else it can is its own affair.
        spared = outcome.of_codec and probe.codec != "h264"
        return replace(outcome, verdict=Verdict.ABSENT) if spared else outcome
    bare = bench.context.subject.new_container()
    try:
        control, _ = attempt(bare, command, clip, bench.folder)
    except CommandTimeout:
        return outcome  # it made nothing without the device
    finally:
        bare.close()
    return proof.of_control(control) or outcome


def _told(name: str, context: Context, device: str, outcomes: list[tuple[str, Outcome]]) -> Iterator[Finding]:
    from ...media.hardware.diagnosis import Verdict

    verdicts = [f"{kind} {outcome.verdict}{_figures(outcome)}".strip() for kind, outcome in outcomes]
    context.measure(f"{', '.join(verdicts)} on {device}", budget="proven")
    reasons = [outcome.reason for _, outcome in outcomes if outcome.verdict is Verdict.ABSENT]
    if len(reasons) == len(outcomes):
        absent(f"{device} can't do it: {reasons[0]}")
    for kind, outcome in outcomes:
        if outcome.proven:
            continue
        lacking = outcome.verdict is Verdict.ABSENT
        yield Finding(
            f"{name}{f' {kind}' if kind not in ('', 'own') else ''} on {device}: {outcome.verdict}: {outcome.reason}",
            severity=Severity.NOTE if lacking else None,
            evidence=f"{name} {kind} {outcome.verdict}: {outcome.evidence}",
            fix=outcome.fix,
        )


def _figures(outcome: Outcome) -> str:
    psnr, software = outcome.metrics.get("psnr_y_mean"), outcome.metrics.get("software_psnr_y_mean")
    if psnr is None:
        return " bit by bit" if outcome.proven and "frames" in outcome.metrics else ""
    return f" ({psnr:.2f} dB" + (f", software {software:.2f} dB)" if software is not None else ")")


CHECKS = tuple(check_of(name) for name in HARDWARE)
