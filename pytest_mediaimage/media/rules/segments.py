"""Tracks delivered in segments: what their playlist says of them is so, and joined they are the source."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

from ...errors import JudgeError
from .. import judge, probing
from ..case import Problem, Threshold
from ..made import Made
from ..packets import Packet, packets
from ..pictures.compare import Comparison
from ..pictures.resizing import Resized
from ..streaming.codecs import codec_names, is_plausible
from ..streaming.joining import Joined, join, missing
from ..streaming.playlists import Segment
from .scaled import SCALED_METRICS, Scaled
from .sound import SOUND_METRICS, Sound

_TICK = 0.0015  # seconds: playlists round to a millisecond or finer
_LOG = "Look at what FFmpeg printed."
_CUT = "Let segments begin at key frames: -g and -keyint_min fit the segment length, and -sc_threshold is 0."


@dataclass(frozen=True, slots=True)
class Limits:
    """`duration` is how long segments were asked to be, in seconds.

    `video`, by width and height, and `audio` are what joined tracks are held to (see `Scaled` and `Sound`). `alignment`
    is how far, in seconds, sound may be cut from where the picture is.
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"video": SCALED_METRICS, "audio": SOUND_METRICS}

    duration: float
    video: Mapping[tuple[int, int], Mapping[str, Threshold]]
    audio: Mapping[str, Threshold]
    alignment: Threshold


@dataclass(frozen=True, slots=True)
class Track:
    """What is declared of a track: `label` is how messages name it, and `playlist` what its names are relative to.

    `kind` is `video` or `audio`, "" where it isn't said; `codecs` is None where they can't be, as in a media playlist;
    `bandwidth` in bits per second.
    """

    label: str
    playlist: str
    segments: tuple[Segment, ...]
    kind: str = ""
    codecs: tuple[str, ...] | None = None
    bandwidth: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass
class _Opened:
    """A track whose segments lie joined in one file. `alone` is where one segment is put together with the init."""

    track: Track
    joined: Joined
    made: Made
    alone: Path

    @cached_property
    def info(self) -> probing.MediaInfo:
        return self.made.info()

    @property
    def is_video(self) -> bool:
        return self.info.video is not None

    @cached_property
    def slack(self) -> float:
        """How far times may be off, in seconds: a packet of sound, since priming may or may not be counted."""
        packets = (item.duration for part in self.joined.parts for item in part)
        return _TICK if self.is_video else _TICK + max(packets, default=0.0)

    @cached_property
    def view(self) -> Resized:
        video = self.info.video
        return Resized((video and video.width) or 0, (video and video.height) or 0)

    @property
    def codec(self) -> str:
        return self.info.video.codec if self.info.video else ""

    def comparison(self, *, hashes: bool = False) -> Comparison:
        return self.made.comparison(view=self.view, ssim=True, hashes=hashes)

    @cached_property
    def bounds(self) -> list[float]:
        """When the first frame of each segment is shown, and at last when the last one ends."""
        shown = [min(item.shown for item in part) for part in self.joined.parts]
        return [*shown, max(item.shown + item.duration for item in self.joined.parts[-1])]

    def called(self, index: int) -> str:
        piece = self.track.segments[index].piece
        return piece.name if piece.length is None else f"{piece.name} from byte {piece.start}"


def judge_tracks(made: Made, tracks: Sequence[Track], limits: Limits) -> Iterator[Problem]:
    """Hold tracks to what is declared of them, to each other, and to the source."""
    with tempfile.TemporaryDirectory(dir=made.path().parent, prefix=".joined-") as name:
        folder = Path(name)
        opened: list[_Opened] = []
        for index, track in enumerate(tracks):
            problems = list(_absent(made, track))
            yield from problems
            if problems:
                continue
            path = folder / f"{index}.mp4"
            try:
                joined = join(made, track.playlist, track.segments, path)
                one = _Opened(track, joined, Made.of(made.source, path, nonce=made.nonce), folder / "alone.mp4")
                if empty := [one.called(at) for at, part in enumerate(joined.parts) if not part]:
                    message = f"{track.label}: {', '.join(empty[:5])} holds no frames"
                    yield Problem(message, f"{track.label}: empty segment", _LOG)
                    continue
                yield from _one(one, limits)
                opened.append(one)
            except JudgeError as error:
                reason = error.message.replace(f"{folder}/", "")
                yield Problem(f"{track.label} can't be read: {reason}", f"{track.label}: unreadable", _LOG)
        yield from _together(opened, made, limits)
        for one in opened:
            made.metrics |= {f"{one.track.label}: {name}": value for name, value in one.made.metrics.items()}
        for one in (one for one in opened[:1] if one.is_video):  # the first stands for the whole
            made.metrics |= one.made.metrics


def _absent(made: Made, track: Track) -> Iterator[Problem]:
    fix = "Write all segments before the playlist that names them, and delete none that is still named."
    if names := missing(made, track.playlist, track.segments):
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        message = f"{track.label} names {', '.join(names[:5])}{more}, which the transcode didn't leave"
        yield Problem(message, f"{track.label}: missing segment", fix)
    elif not track.segments:
        yield Problem(f"{track.label} names no segments", f"{track.label}: no segments", fix)


def _one(one: _Opened, limits: Limits) -> Iterator[Problem]:
    for check in (_independent, _declared_times, _continuous, _declared, _video, _audio):
        for problem in check(one, limits):
            label = f"{one.track.label}: "
            yield replace(problem, message=label + problem.message, evidence=label + problem.evidence)


def _independent(one: _Opened, limits: Limits) -> Iterator[Problem]:
    if not one.is_video:
        return
    late = [one.called(at) for at, part in enumerate(one.joined.parts) if not part[0].idr]
    if late:
        yield Problem(f"{', '.join(late[:5])} doesn't begin with an IDR frame", "no IDR at start", _CUT)
        return
    init = one.track.segments[0].init is not None
    # H.264 (7.4.1.2.4) and HEVC (8.3.2): an IDR picture marks all pictures before it as not to be referred to. What the
    # segment before may have then is parameter sets, and what its packets mean.
    closed = init and not any(item.sets for part in one.joined.parts for item in part) and one.codec in ("h264", "hevc")
    whole, at = one.comparison(hashes=not closed), 0
    if whole.broken or whole.output_frames != sum(map(len, one.joined.parts)):
        return  # what is wrong with the joined track is told, and would only be told again
    data = one.joined.path.read_bytes()
    starts = [*one.joined.starts, len(data)]
    for index, part in enumerate(one.joined.parts):
        head = data[: starts[0]] if init else b""
        one.alone.write_bytes(head + data[starts[index] : starts[index + 1]])
        try:
            if closed:
                alike = [_bits(item) for item in packets(one.alone)] == [_bits(item) for item in part]
            else:
                alike = judge.frame_hashes(one.alone) == whole.hashes[at : at + len(part)]
            why = "" if alike else "its frames come out otherwise"
        except JudgeError as error:
            why = error.message.replace(str(one.alone), one.called(index))
        if why:
            message = f"{one.called(index)} can't be decoded without the segment before: {why}"
            yield Problem(message, "segment not independent", "Close groups of pictures: -flags +cgop.")
            return
        at += len(part)


def _bits(packet: Packet) -> tuple[float, float, int, int]:
    return packet.decoded, packet.shown, packet.length, packet.checksum


def _declared_times(one: _Opened, limits: Limits) -> Iterator[Problem]:
    real = [after - before for before, after in pairwise(one.bounds)]
    for at, (segment, length) in enumerate(zip(one.track.segments, real, strict=True)):
        begin, slack = one.bounds[at], one.slack if segment.exact else segment.duration / 2
        if abs(segment.duration - length) > slack:
            yield Problem(
                f"{one.called(at)} lasts {length:.3f} s, {segment.duration:.3f} s are declared",
                "declared duration",
                "Let the packager measure what it writes.",
            )
        elif segment.start is not None and abs(segment.start - begin) > slack:
            yield Problem(
                f"{one.called(at)} begins at {begin:.3f} s, {segment.start:.3f} s is declared",
                "declared start",
                "Let the packager measure what it writes.",
            )
        else:
            continue
        break  # what follows is mostly off by the same
    longest = max(range(len(real)), key=lambda at: real[at])
    if real[longest] > limits.duration + one.slack:
        message = f"{one.called(longest)} lasts {real[longest]:.3f} s, {limits.duration:g} s were asked for"
        yield Problem(message, "long segment", _CUT)
    source = one.made.original.video if one.is_video else one.made.original.audio
    total = sum(segment.duration for segment in one.track.segments)
    # What an audio encoder adds in front and behind is a packet each.
    if source is not None and source.duration and not -_TICK <= total - source.duration <= 2 * one.slack:
        yield Problem(
            f"its {len(real)} segments are declared to last {total:.3f} s, the source lasts {source.duration:.3f} s",
            "whole duration",
            "Wait for the packager's end: the last segment is written when the input ends.",
        )


def _continuous(one: _Opened, limits: Limits) -> Iterator[Problem]:
    last: Packet | None = None
    for at, part in enumerate(one.joined.parts):
        for item in part:
            gap = 0.0 if last is None else item.decoded - last.decoded - last.duration
            if abs(gap) > _TICK:
                what = "a gap" if gap > 0 else "an overlap"
                message = f"{what} of {abs(gap) * 1000:.1f} ms in decode times at {item.decoded:.3f} s, "
                place = f"where {one.called(at)} begins" if item is part[0] else f"within {one.called(at)}"
                yield Problem(message + place, "decode times", "Package one encode in one go, without stale segments.")
                return
            last = item


def _declared(one: _Opened, limits: Limits) -> Iterator[Problem]:
    track, video = one.track, one.info.video
    if track.kind and track.kind != ("video" if one.is_video else "audio"):
        yield Problem(f"declared as {track.kind}, and isn't", "kind", "Check which stream goes where.")
    fix = "Let the packager take codecs and sizes from the streams."
    for name in codec_names(one.joined.path):
        if name and track.codecs is not None and not is_plausible(track.codecs, name):
            declared = ", ".join(track.codecs) or "nothing"
            yield Problem(f"its codec is {name}, {declared} is declared", "codecs", fix)
    if video is not None and track.width and (track.width, track.height) != (video.width, video.height):
        found = f"{video.width}x{video.height}"
        yield Problem(f"its pictures are {found}, {track.width}x{track.height} is declared", "resolution", fix)
    rates = [
        8 * sum(item.length for item in part) / (after - before)
        for part, (before, after) in zip(one.joined.parts, pairwise(one.bounds), strict=True)
        if after - before > limits.duration / 2
    ]
    peak = max(rates, default=0.0)
    one.made.metrics["peak_bit_rate"] = round(peak)
    # Apple's HLS authoring specification: the measured peak is within 10 % of BANDWIDTH. DASH's bandwidth (ISO/IEC
    # 23009-1, 5.3.5.2) allows for a buffer, whence the same.
    if track.kind == "video" and track.bandwidth is not None and peak > 1.1 * track.bandwidth:
        yield Problem(
            f"a segment takes {peak / 1000:.0f} kb/s, {track.bandwidth / 1000:.0f} kb/s are declared",
            "bandwidth",
            "Set -maxrate and -bufsize, so that the declared bandwidth is the peak.",
        )


def _video(one: _Opened, limits: Limits) -> Iterator[Problem]:
    video = one.info.video
    if video is None:
        return
    size = (video.width or 0, video.height or 0)
    if size not in limits.video:
        wanted = ", ".join(f"{width}x{height}" for width, height in limits.video)
        yield Problem(f"its pictures are {size[0]}x{size[1]}, {wanted} were asked for", "size", "Check the scaling.")
        return
    yield from Scaled(*size, limits.video[size]).judge(one.made)


def _audio(one: _Opened, limits: Limits) -> Iterator[Problem]:
    if one.info.audio is None or one.is_video:
        return
    original, audio = one.made.original.audio, one.info.audio
    if original is not None and (original.channels, original.sample_rate) != (audio.channels, audio.sample_rate):
        found = f"{audio.channels} channels at {audio.sample_rate} Hz"
        yield Problem(f"its sound has {found}, the source's hasn't", "audio format", "Check -ac and -ar.")
    # When it sounds is held against the picture, which lies in another track.
    thresholds = {name: limit for name, limit in limits.audio.items() if name != "audio_offset"}
    yield from Sound(thresholds).judge(one.made)


def _together(opened: Sequence[_Opened], made: Made, limits: Limits) -> Iterator[Problem]:
    videos, sounds = [one for one in opened if one.is_video], [one for one in opened if not one.is_video]
    sizes = {(one.view.width, one.view.height) for one in videos}
    if lacking := [f"{width}x{height}" for width, height in limits.video if (width, height) not in sizes]:
        yield Problem(f"there is no track of {', '.join(lacking)}", "no video track", "Map a stream to each track.")
    if made.original.audio and not sounds and not any(one.info.audio for one in videos):
        yield Problem("there is no track of sound", "no audio track", "Map the sound to a track.")
    if not videos:
        return
    first = videos[0]
    fix = "Give all renditions the same -g, -keyint_min and -sc_threshold 0: players switch between segments."
    for one in videos[1:]:
        off = [at for at, (a, b) in enumerate(zip(first.bounds, one.bounds, strict=False)) if abs(a - b) > _TICK]
        if off or len(first.bounds) != len(one.bounds):
            place = f"{one.bounds[off[0]]:.3f} s, not {first.bounds[off[0]]:.3f} s" if off else "other ends"
            message = f"{one.track.label}: its segments aren't cut where those of {first.track.label} are: {place}"
            yield Problem(message, f"{one.track.label}: segments not aligned", fix)
    for one in sounds:
        yield from _sound_against_picture(one, first, limits)


def _sound_against_picture(one: _Opened, video: _Opened, limits: Limits) -> Iterator[Problem]:
    label = one.track.label
    cuts = list(zip(video.bounds[:-1], one.bounds[:-1], strict=False))
    worst = max(cuts, key=lambda pair: abs(pair[1] - pair[0]))
    if len(one.bounds) != len(video.bounds):
        message = f"{label}: {len(one.bounds) - 1} segments of sound go with {len(video.bounds) - 1} of the picture"
        yield Problem(message, f"{label}: number of segments", "Use the same segment length for all tracks.")
    elif abs(worst[1] - worst[0]) > limits.alignment.limit:
        yield Problem(
            f"{label}: sound is cut at {worst[1]:.3f} s, the picture at {worst[0]:.3f} s; at most "
            f"{limits.alignment.limit:g} s between them are allowed",
            f"{label}: segments not aligned",
            "Use the same segment length for all tracks.",
        )
    offset, limit = one.made.metrics.get("audio_offset"), limits.audio.get("audio_offset")
    if isinstance(offset, float):
        offset = round(offset - video.comparison().delay(), 6)
        one.made.metrics["audio_offset"] = offset
        if limit and abs(offset) > limit.limit:
            yield Problem(
                f"{label}: sound is {offset * 1000:+.1f} ms off the picture, at most {limit.limit * 1000:g} ms is "
                "allowed",
                f"{label}: audio offset",
                "Check the encoder's priming and the tracks' first time stamps.",
            )
