"""All that lies beside the picture, kept: audio tracks, subtitles and chapters, with what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..case import Problem
from ..made import Made
from ..tracks import DISPOSITIONS, Contents, Track, contents_of

_MAP = "Map every stream, -map 0:v -map 0:a -map 0:s: without -map only one of each kind is taken."


@dataclass(frozen=True, slots=True)
class Tracks:
    """Audio tracks, subtitles and chapters are the source's: as many, in the same order and languages, marked alike.

    Cues and chapters begin and end when the source's do, within `tolerance` seconds. `dispositions` are those that
    must be kept.
    """

    dispositions: tuple[str, ...] = ("default", "forced", "comment")
    tolerance: float = 0.02
    output: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a disposition that FFmpeg hasn't: none would ever be missed."""
        if unknown := sorted({*self.dispositions} - DISPOSITIONS):
            raise ValueError(f"there is no disposition {unknown[0]!r}; known: {', '.join(sorted(DISPOSITIONS))}")

    def judge(self, made: Made) -> Iterator[Problem]:
        source, output = contents_of(made.source), contents_of(made.path(self.output))
        label = made.label(self.output)
        for kind in ("audio", "subtitle"):
            yield from self._kind(kind, source.of(kind), output.of(kind), label)
        yield from self._chapters(source, output, label)

    def _kind(self, kind: str, source: list[Track], output: list[Track], label: str) -> Iterator[Problem]:
        what = {"audio": "audio track", "subtitle": "subtitle track"}[kind]
        if len(output) != len(source):
            languages = ", ".join(track.language for track in output) or "none"
            wanted = ", ".join(track.language for track in source)
            yield Problem(
                f"{label}the output has {len(output)} {what}s ({languages}), the source {len(source)} ({wanted})",
                f"{label}{kind} tracks",
                _MAP,
            )
            return
        for at, (a, b) in enumerate(zip(source, output, strict=True)):
            name = f"{label}{what} {at}"
            if a.language != b.language:
                yield Problem(
                    f"{name} says it is {b.language}, {a.language} was expected",
                    f"{name} language",
                    "Keep streams in order, and metadata: no -map_metadata -1 without -metadata:s:a:0 language=.",
                )
            if a.layout != b.layout:
                yield Problem(
                    f"{name} is {b.layout}, {a.layout} was expected", f"{name} layout", "Don't mix channels: no -ac."
                )
            if lost := [item for item in self.dispositions if (item in a.dispositions) != (item in b.dispositions)]:
                told = ", ".join(f"{'not ' if item in a.dispositions else ''}{item}" for item in lost)
                yield Problem(
                    f"{name} is {told}, unlike the source's",
                    f"{name} disposition",
                    "Set -disposition for each stream, or let it pass.",
                )
            yield from self._cues(name, a, b)

    def _cues(self, name: str, a: Track, b: Track) -> Iterator[Problem]:
        if len(a.cues) != len(b.cues):
            yield Problem(
                f"{name} has {len(b.cues)} lines, {len(a.cues)} were expected",
                f"{name} lines",
                "Check the subtitle encoder, and that its packets aren't cut by -t or -shortest.",
            )
            return
        for at, (one, other) in enumerate(zip(a.cues, b.cues, strict=True)):
            if one.text != other.text:
                yield Problem(
                    f"{name}, line {at}: {other.text[:80]!r}, {one.text[:80]!r} was expected",
                    f"{name} text",
                    "Check the character set: -sub_charenc, and the subtitle encoder.",
                )
                return
            if max(abs(one.begin - other.begin), abs(one.end - other.end)) > self.tolerance:
                yield Problem(
                    f"{name}, line {at} is shown from {other.begin:.2f} to {other.end:.2f} s, "
                    f"{one.begin:.2f} to {one.end:.2f} s was expected",
                    f"{name} times",
                    "Let time stamps pass through, for all streams alike.",
                )
                return

    def _chapters(self, source: Contents, output: Contents, label: str) -> Iterator[Problem]:
        a, b = source.chapters, output.chapters
        missing = [chapter.title for chapter in a if chapter.title not in [other.title for other in b]]
        if len(a) != len(b) or missing:
            yield Problem(
                f"{label}the output has {len(b)} chapters, the source {len(a)}"
                + (f"; missing: {', '.join(map(repr, missing))}" if missing else ""),
                f"{label}chapters",
                "Keep them with -map_chapters 0.",
            )
            return
        for one, other in zip(a, b, strict=True):
            if max(abs(one.start - other.start), abs(one.end - other.end)) > self.tolerance or one.title != other.title:
                yield Problem(
                    f"{label}chapter {other.title!r} is from {other.start:.2f} to {other.end:.2f} s, "
                    f"{one.title!r} from {one.start:.2f} to {one.end:.2f} s was expected",
                    f"{label}chapter times",
                    "Keep them with -map_chapters 0, and cut nothing from the beginning.",
                )
                return
