"""Whether a command really ran on the device: its words, what its output is signed with, and what its pictures are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import JudgeError
from .. import judge, probing
from ..pictures.compare import compare
from ..pictures.identity import named
from .diagnosis import Diagnosis, Verdict, diagnose, software_device
from .paths import Probe
from .software import software_at

MOST_LOSS = 1.0
"""dB below software at the same size that a hardware encoder may lose (own; vaapi-fits accepts 5 dB)."""
LEAST_PSNR = 22.0
"""dB of mean PSNR-Y below which a path of a team's own shows another picture (own; x264 at CRF 45 gives 26)."""

_LONGEST_LINE = 2000
_CHOSEN = re.compile(r"Format (\w+) chosen by get_format\(\)")
_FAILED_SETUP = re.compile(r"Failed setup for format \w+: hwaccel initialisation returned error")
_FAILURE = re.compile(r"error|fail|cannot|can't|unable|invalid|unknown|not found|no such|denied", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command that was run: its exit code, all that it printed, its output where it left one."""

    exit_code: int
    log: str
    output: Path | None


def words_of(printed: str) -> str:
    """What a command printed, its lines cut where no FFmpeg goes on: a pattern must not be kept busy by one line."""
    return "\n".join(line[:_LONGEST_LINE] for line in printed.splitlines())


@dataclass(slots=True)
class Outcome:
    """The verdict on a probe. `reason` is a sentence, `evidence` the same each time the same is wrong.

    `of_codec` says that another codec may well work, `diagnosed` that words of FFmpeg's which are known tell the cause.
    """

    verdict: Verdict
    reason: str = ""
    evidence: str = ""
    fix: str = ""
    metrics: dict[str, float | int] = field(default_factory=dict)
    of_codec: bool = False
    diagnosed: bool = False

    @property
    def proven(self) -> bool:
        return self.verdict is Verdict.PROVEN


def of_attempt(probe: Probe, backend: str, attempt: Attempt, source: Path, nonce: int) -> Outcome:
    """The verdict by what the command printed and made; what it does without the device isn't known here.

    `source` is a clip that carries `nonce`. Raises JudgeError where the source can't be read.
    """
    if attempt.exit_code or attempt.output is None:
        return of_failure(backend, attempt)
    if (wrong := of_words(probe, attempt.log)) is not None:
        return wrong
    try:
        return _decoded(source, attempt.output) if probe.kind == "decode" else _encoded(probe, attempt, source, nonce)
    except JudgeError as error:
        return Outcome(Verdict.BROKEN, f"its output can't be read: {error.message}", "unreadable", "Update the driver.")


def of_control(control: Attempt) -> Outcome | None:
    """What is wrong where the same command was run without the device: it must fail."""
    if control.exit_code or control.output is None:
        return None
    return Outcome(
        Verdict.SOFTWARE,
        "the same command also succeeds in a container without the device: something else than the device did the work",
        "works without the device",
        "Look for a wrapper around ffmpeg that changes its options or falls back by itself.",
    )


def of_failure(backend: str, attempt: Attempt) -> Outcome:
    """The verdict on a command that failed, or wrote nothing, by FFmpeg's words."""
    found = diagnose(backend, attempt.log)
    if found is None:
        said = _last_words(attempt.log)
        what = f"ended with exit code {attempt.exit_code}" if attempt.exit_code else "wrote no output"
        found = Diagnosis(Verdict.BROKEN, f"ffmpeg {what}: {said}", "Run it by hand, with -v debug.")
        return Outcome(found.verdict, found.meaning, f"{backend} failed", found.fix)
    reason = f"{found.meaning} (`{found.words}`)"
    return Outcome(found.verdict, reason, found.meaning, found.fix, of_codec=found.of_codec, diagnosed=True)


def _last_words(log: str) -> str:
    """The last lines that tell of a failure, without addresses; else the last line."""
    lines = [re.sub(r" @ 0x[0-9a-f]+", "", line.strip()) for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if _FAILURE.search(line)]
    return " / ".join(telling[-2:] or lines[-1:])[-300:] or "it said nothing"


def of_words(probe: Probe, log: str) -> Outcome | None:
    """What in a command's words tells that it didn't use the device, though it succeeded; None: they prove it did."""
    fix = "Look at the whole output by hand, with -v debug."
    if (line := software_device(log)) is not None:
        words = re.sub(r" @ 0x[0-9a-f]+", "", line)
        return Outcome(
            Verdict.SOFTWARE, f"the device is a renderer on the processor: `{words}`", "software device", fix
        )
    if _FAILED_SETUP.search(log):
        reason = "the decoder couldn't be set up on the device, and FFmpeg went on in software"
        return Outcome(Verdict.SOFTWARE, reason, "decoder setup failed", fix)
    if probe.surface:
        chosen = _CHOSEN.findall(log)
        if not chosen or chosen[-1] != probe.surface:
            said = f"the decoder chose {chosen[-1]}" if chosen else "the decoder never said what it chose"
            reason = f"{said}, {probe.surface} was asked for: it decoded in software"
            return Outcome(Verdict.SOFTWARE, reason, f"not {probe.surface}", fix)
    if probe.proof is not None and not probe.proof.search(log):
        reason = f"nothing that was printed shows the device: no `{probe.proof.pattern}`"
        return Outcome(Verdict.SOFTWARE, reason, "no proof in the log", fix)
    return None


def _decoded(source: Path, output: Path) -> Outcome:
    """Decoding is exact by the standards of H.264, HEVC, VP9 and AV1, in hardware too."""
    wanted = judge.frame_hashes(source)
    got = [frame.sha256() for frame in judge.frames(output, limit=4 * len(wanted))]
    wrong = [number for number, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b]
    fix = "Update the driver in the image (Mesa, intel-media-driver) or on the host (NVIDIA)."
    if len(wanted) != len(got):
        reason = f"the device decoded {len(got)} frames, {len(wanted)} were expected"
        return Outcome(Verdict.BROKEN, reason, "frame count", fix)
    if wrong:
        reason = f"{named(wrong)} of {len(wanted)} decoded otherwise than in software, bit by bit"
        return Outcome(Verdict.BROKEN, reason, "frames differ", fix)
    return Outcome(Verdict.PROVEN, metrics={"frames": len(got)})


def _encoded(probe: Probe, attempt: Attempt, source: Path, nonce: int) -> Outcome:
    assert attempt.output is not None
    info = probing.probe(attempt.output)
    return of_signature(probe, info) or _pictures(probe, info, attempt.output, source, nonce)


def of_signature(probe: Probe, info: probing.MediaInfo) -> Outcome | None:
    """What is wrong with who signed the output's video; None: nothing is."""
    if info.video is None:
        return Outcome(Verdict.BROKEN, "the output has no video stream", "no video", "Check the arguments.")
    signed = info.video.encoder
    asked_for = any(word.startswith(("libx264", "libx265")) for word in probe.argv)
    if signed.startswith(("x264", "x265")) and not asked_for:
        return Outcome(
            Verdict.SOFTWARE,
            f"the output is signed by {signed}, a software encoder",
            "software encoder",
            "Look for a wrapper around ffmpeg that changes the encoder, or falls back by itself.",
        )
    if probe.encoder and signed.split()[-1:] != [probe.encoder]:
        return Outcome(
            Verdict.SOFTWARE,
            f"the output's encoder tag is {signed!r}, {probe.encoder} was expected",
            "encoder tag",
            "Look for a wrapper around ffmpeg that changes the encoder.",
        )
    return None


def _pictures(probe: Probe, info: probing.MediaInfo, output: Path, source: Path, nonce: int) -> Outcome:
    comparison = compare(source, output, nonce=nonce)
    fix = "Update the driver, and compare with another card."
    messages = comparison.identity.messages() if comparison.identity else []
    if comparison.broken:
        messages.insert(0, comparison.broken)
    if messages:
        return Outcome(Verdict.BROKEN, f"the output is wrong: {'; '.join(messages[:3])}", "frames", fix)
    psnr = comparison.metrics().get("psnr_y_mean")
    if psnr is None:
        reason = f"the pictures can't be compared: {comparison.uncompared or 'none carries a number'}"
        return Outcome(Verdict.BROKEN, reason, "not comparable", "Keep size and pixel format of the input.")
    length = info.video.bytes if info.video else 0
    software = software_at(source, "h264", length)["psnr_y_mean"] if probe.kind == "encode" else None
    metrics: dict[str, float | int] = {"frames": comparison.output_frames, "psnr_y_mean": psnr, "bytes": length}
    if software is not None:
        metrics["software_psnr_y_mean"] = round(software, 2)
    if psnr < (LEAST_PSNR if software is None else software - MOST_LOSS):
        asked = f"software gives {software:.2f} dB at the same size" if software else f"{LEAST_PSNR:g} dB is asked for"
        reason = f"PSNR-Y is {psnr:.2f} dB at {length} bytes, {asked}"
        return Outcome(Verdict.BROKEN, reason, "quality", fix, metrics)
    return Outcome(Verdict.PROVEN, metrics=metrics)
