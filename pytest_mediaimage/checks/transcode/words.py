"""What the table says of a transcode: what was measured, and the limits that it was held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...media.case import Case, Threshold


def measured(case: Case, metrics: Mapping[str, float | int | str]) -> str:
    """The metrics of a judgement that say most, worst first where there are several tracks."""
    numbers = {name: value for name, value in metrics.items() if not isinstance(value, str)}

    def all_of(name: str) -> list[float | int]:
        return [value for key, value in numbers.items() if key.endswith(name)]

    parts: list[str] = []
    software = numbers.get("software_psnr_y_mean")
    if (mean := numbers.get("psnr_y_mean")) is not None:
        parts.append(f"PSNR-Y {mean:.2f} dB" + ("" if software is None else f" (software {software:.2f} dB)"))
    elif least := all_of("psnr_y_min"):
        parts.append(f"PSNR-Y {min(least):.2f} dB and more")
    parts += (f"SSIM {value:.3f}" for value in all_of("tile_ssim")[:1])
    parts += (f"{value} frames" for value in [numbers.get("frames")] if value is not None)
    parts += (f"captions in {value}" for value in all_of("captions")[:1])
    parts += (f"{value} timed tags" for value in all_of("metadata")[:1])
    if likeness := all_of("correlation"):
        off = max((abs(value) for value in all_of("offset")), default=0.0)
        parts.append(f"sound {min(likeness):.3f}, {off * 1000:.1f} ms off")
    parts += (f"{value:.2f} LUFS" for value in all_of("loudness")[:1])
    parts += (f"exit code {value}" for value in all_of("exit_code"))
    return ", ".join(parts) or f"{len(case.rules)} rule{'' if len(case.rules) == 1 else 's'}"


def budget(case: Case) -> str | None:
    """The limits of what `measured` tells; None where the case has none."""
    from ...media.rules.loudness import Loudness
    from ...media.rules.refusal import Refused

    # Of several outputs the main one is told of, and its rules come first.
    limits = {name: limit for rule in reversed(case.rules) for name, limit in _limits(rule)}
    parts = [
        f"{label} {limits[name].limit:g}{unit}"
        for name, label, unit in (
            ("psnr_y_mean", "PSNR-Y", " dB"),
            ("psnr_y_min", "PSNR-Y", " dB"),
            ("tile_ssim", "SSIM", ""),
            ("audio_correlation", "sound", ""),
        )
        if name in limits and not (name == "psnr_y_min" and "psnr_y_mean" in limits)
    ]
    if "audio_offset" in limits:
        parts.append(f"{limits['audio_offset'].limit * 1000:g} ms")
    parts += (f"{rule.target:g} ± {rule.tolerance:g} LUFS" for rule in case.rules if isinstance(rule, Loudness))
    parts += ("not 0" for rule in case.rules if isinstance(rule, Refused))
    if case.golden:
        parts.append("golden frames")
    return ", ".join(parts) or None


def _limits(rule: object) -> Iterator[tuple[str, Threshold]]:
    """A rule's, by metric; of tracks in segments those of the largest picture."""
    from ...media.rules.segments import Limits

    yield from getattr(rule, "thresholds", {}).items()
    delivered = getattr(rule, "limits", None)
    if isinstance(delivered, Limits):
        yield from delivered.audio.items()
        if delivered.video:
            yield from delivered.video[max(delivered.video)].items()
