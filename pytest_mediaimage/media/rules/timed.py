"""Timed metadata is carried: each tag, whole, with the picture that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..case import Problem
from ..made import Made
from ..timed import Timed, timed_metadata


@dataclass(frozen=True, slots=True)
class TimedMetadata:
    """The packets of the source's data track come out byte for byte, in order, and as far from the pictures as there.

    `tolerance` is in seconds; `source` says where it comes from.
    """

    tolerance: float
    source: str
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        wanted, found = timed_metadata(made.source), timed_metadata(made.path(self.output))
        made.metrics[f"{label}metadata"] = len(found)
        if not found:
            fix = "Map the data track too (-map 0:d -c:d copy), into a format that has one (MPEG-TS)."
            yield Problem(f"{label}the timed metadata is gone: there is no data track", f"{label}no metadata", fix)
            return
        if len(found) != len(wanted):
            yield Problem(
                f"{label}{len(found)} packets of timed metadata, {len(wanted)} were expected",
                f"{label}metadata count",
                "Copy the data track as it is (-c:d copy), and cut it nowhere.",
            )
            return
        yield from _whole(wanted, found, label)
        delay = made.comparison(self.output).delay()
        late = [(a, b.time - a.time - delay) for a, b in zip(wanted, found, strict=True)]
        if bad := [(packet, offset) for packet, offset in late if abs(offset) > self.tolerance]:
            packet, offset = bad[0]
            yield Problem(
                f"{label}timed metadata at {packet.time:.2f} s of the source is shown {abs(offset) * 1000:.0f} ms "
                f"{'late' if offset > 0 else 'early'} against the picture ({len(bad)} of {len(wanted)} packets); "
                f"{self.tolerance * 1000:.0f} ms is allowed",
                f"{label}metadata time",
                "Shift all tracks alike: -itsoffset, -output_ts_offset and setpts move some only.",
            )


def _whole(wanted: list[Timed], found: list[Timed], label: str) -> Iterator[Problem]:
    wrong = [(a, b.data) for a, b in zip(wanted, found, strict=True) if a.data != b.data]
    if not wrong:
        return
    packet, data = wrong[0]
    if data and packet.data.endswith(data):
        what = f"lost its first {len(packet.data) - len(data)} bytes"
    elif data and packet.data.startswith(data):
        what = f"lost its last {len(packet.data) - len(data)} bytes"
    else:
        what = f"has other bytes ({data[:16].hex()}..., {packet.data[:16].hex()}... was expected)"
    yield Problem(
        f"{label}timed metadata at {packet.time:.2f} s of the source {what} ({len(wrong)} of {len(wanted)} packets are "
        "wrong): players can't read the tag",
        f"{label}metadata bytes",
        "Update FFmpeg: 5.1 takes the first five bytes of each ID3 tag for a header of its own.",
    )
