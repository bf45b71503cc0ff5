"""Golden values of hardware encoders: exact for the same family, driver and FFmpeg, else within tolerances."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..case import Problem
from ..golden import GoldenEntry, GoldenValues
from ..verdict import GoldenOutcome, Judgement
from .origin import UNKNOWN, Origin

# Of another driver or FFmpeg, on the same family of cards. Source: own; vaapi-fits accepts 2 % of PSNR, some 0.8 dB.
# Never measured on hardware.
PSNR_Y_MEAN_DROP = 0.2
PSNR_Y_MIN_DROP = 0.5
GROWTH = 0.10

_FIX = "If the change is meant, run with --media-update-golden."


def hold_on_card(entry: GoldenEntry, origin: Origin, verdict: Judgement) -> None:
    """Compare with golden values: set `verdict.golden`, and add a problem where they differ.

    Values of another family of cards say nothing: another generation of an encoder gives other pictures.
    """
    encoder = origin.encoder(str(verdict.metrics["encoder"]))
    stream_hash = verdict.metrics["stream_hash"]
    if any(values.stream_hash == stream_hash for key, values in entry.values.items() if _alike(key, encoder, origin)):
        verdict.golden = GoldenOutcome("exact")
        return
    key = encoder, origin.machine
    if origin.known and key in entry.values:
        at = entry.values[key].first_difference(verdict.hashes) or 0
        reason = f"frame {at} is the first that isn't what {encoder} gave before on {origin.machine}"
        verdict.golden = GoldenOutcome("differs", reason, at)
        verdict.problems.append(Problem(f"not the golden pictures: {reason}", "golden frames", _FIX))
        return
    near = _nearest(entry, encoder, origin) if origin.family != UNKNOWN else None
    if near is None:
        others = ", ".join(sorted({machine for _, machine in entry.values}))
        verdict.golden = GoldenOutcome("missing", f"golden values are of {others}, this is {origin.machine}")
        return
    why = f"no golden values for {encoder} on {origin.machine}; held against {near[0]} on {near[1]}"
    if not origin.known:
        why = f"driver or FFmpeg of {origin.machine} isn't known; held against {near[0]} on {near[1]}"
    worse = list(_drift(entry.values[near], verdict))
    verdict.golden = GoldenOutcome("differs" if worse else "tolerance", "; ".join((why, *worse)))
    verdict.problems += [
        Problem(f"worse than the golden values on {near[1]}: {line}", "golden drift", _FIX) for line in worse
    ]


def _alike(key: tuple[str, str], encoder: str, origin: Origin) -> bool:
    """Whether values are of this encoder, whatever FFmpeg called it, on this family."""
    return key[0].split()[0] == encoder.split()[0] and _family(key[1]) == origin.family


def _nearest(entry: GoldenEntry, encoder: str, origin: Origin) -> tuple[str, str] | None:
    """The key of the same encoder and family whose driver is nearest, of the same FFmpeg where there is one."""

    def distance(key: tuple[str, str]) -> tuple[list[int], bool]:
        pairs = zip(_numbers(_driver(key[1])), _numbers(origin.driver), strict=False)
        return [abs(a - b) for a, b in pairs], key[0] != encoder

    return min((key for key in entry.values if _alike(key, encoder, origin)), key=distance, default=None)


def _family(machine: str) -> str:
    return machine.rpartition("/")[0]


def _driver(machine: str) -> str:
    return machine.rpartition("/")[2]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]


def _drift(values: GoldenValues, verdict: Judgement) -> Iterator[str]:
    for name, drop in (("psnr_y_mean", PSNR_Y_MEAN_DROP), ("psnr_y_min", PSNR_Y_MIN_DROP)):
        was, now = values.psnr.get(name), verdict.metrics.get(name)
        if was is not None and isinstance(now, float) and now < was - drop:
            yield f"{name} fell from {was:.2f} to {now:.2f} dB (tolerance {drop:g} dB)"
    length = int(verdict.metrics["bytes"])
    if length > values.bytes * (1 + GROWTH):
        yield f"the file grew from {values.bytes} to {length} bytes (tolerance {GROWTH:.0%})"
