"""Time stamps of all streams: they go forwards, and streams last as long as the source's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import JudgeError
from .. import judge
from ..case import Problem
from ..made import Made
from ..packets import packets

_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """From the first packet's time to the last one's end, in seconds; `backwards` is the first packet (from 0) that
    isn't decoded after the one before it.
    """

    kind: str
    start: float
    end: float
    backwards: int | None


@dataclass(frozen=True, slots=True)
class Timing:
    """No stream's time stamps run backwards; picture and sound last as long as the source's, within `tolerance` s."""

    tolerance: float
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        found = spans(made.path(self.output))
        yield from forwards(found, label)
        wanted = spans(made.source)
        for kind in ("video", "audio"):
            a, b = ([span for span in spans if span.kind == kind] for spans in (wanted, found))
            if not a or not b:
                continue
            off = (b[0].end - b[0].start) - (a[0].end - a[0].start)
            if abs(off) > self.tolerance:
                yield Problem(
                    f"{label}the {kind} lasts {b[0].end - b[0].start:.3f} s, {off:+.3f} s against the source's",
                    f"{label}{kind} duration",
                    "Keep time stamps and gaps: -fps_mode passthrough, and aresample=async=1 for the sound.",
                )


def forwards(found: list[Span], label: str) -> Iterator[Problem]:
    """Streams whose time stamps run backwards."""
    for number, span in enumerate(found):
        if span.backwards is not None:
            yield Problem(
                f"{label}stream {number} ({span.kind}): time stamps run backwards at packet {span.backwards}",
                f"{label}{span.kind} backwards",
                "Look for time stamps that are copied over a wrap or a seam: -fflags +genpts, no -copyts.",
            )


def spans(path: Path) -> list[Span]:
    """By stream. Raises JudgeError."""
    with judge.open_media(path) as container:
        count = len(container.streams)
        starts, ends = [math.inf] * count, [0.0] * count
        last, decoded = [-math.inf] * count, [-math.inf] * count
        seen, backwards = [0] * count, [-1] * count
        for packet in container.demux():
            at = packet.stream_index
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            base, time = packet.time_base, float(packet.pts * packet.time_base)
            starts[at] = min(starts[at], time)
            # Of the packet that is shown last alone: MP4 gives durations in order of decoding.
            if time >= last[at]:
                last[at], ends[at] = time, time + float((packet.duration or 0) * base)
            if packet.dts is not None:
                if float(packet.dts * base) <= decoded[at] and backwards[at] < 0:
                    backwards[at] = seen[at]
                decoded[at] = float(packet.dts * base)
            seen[at] += 1
            if seen[at] > _LIMIT:
                raise JudgeError(f"{path} has more than {_LIMIT} packets")
        return [
            Span(
                stream.type or "unknown",
                min(starts[stream.index], ends[stream.index]),
                ends[stream.index],
                backwards[stream.index] if backwards[stream.index] >= 0 else None,
            )
            for stream in container.streams
        ]


def picture_delays(made: Made, output: str = "") -> dict[float, float]:
    """How many seconds later the output shows what the source shows at a time; empty where either has no picture."""
    if made.original.video is None or made.info(output).video is None:
        return {}
    shown = sorted(packet.shown for packet in packets(made.source))
    scores = made.comparison(output).scores
    return {shown[s.number]: s.delay for s in scores if s.delay is not None and s.number < len(shown)}
