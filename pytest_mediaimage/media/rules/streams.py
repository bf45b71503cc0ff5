"""What the streams declare: codecs, sizes, rates, colours, groups of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import JudgeError
from ..case import Problem
from ..made import Made
from ..pictures.references import output_frames
from ..probing import StreamInfo

_TAGS = ("color_primaries", "color_transfer", "color_matrix", "color_range")


@dataclass(frozen=True, slots=True)
class Streams:
    """What the first video and audio streams must be; a codec that is None: there must be no such stream.

    Any other None: as in the source. `color` holds primaries, transfer, matrix and range, as the judge names them.
    `max_gop` is in seconds, `sample_rate` in Hz; an `fps` of 0 isn't judged, as for a variable frame rate. `output`
    names one output of several.
    """

    format: str
    video_codec: str | None = None
    audio_codec: str | None = None
    pix_fmt: str | None = None
    max_gop: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    color: tuple[str, str, str, str] | None = None
    channels: int | None = None
    sample_rate: int | None = None
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        info, label = made.info(self.output), made.label(self.output)
        if self.format not in info.format.split(","):
            yield wrong(f"{label}container format", info.format, self.format, "Set the output format with -f.")
        for kind, wanted, found in (("video", self.video_codec, info.video), ("audio", self.audio_codec, info.audio)):
            if wanted is not None and found is None:
                yield absent(label, kind)
            elif wanted is None and found is not None:
                there = f"a{'n' if kind == 'audio' else ''} {kind} stream"
                fix = "Check -map, and the options -an, -vn."
                yield Problem(f"{label}the output has {there}, and should have none", f"{label}{kind}", fix)
        if self.video_codec and info.video:
            yield from self._video(info.video, made.original.video, label)
            yield from _contradictions(info.video, info.path, label)
        if self.audio_codec and info.audio:
            yield from self._audio(info.audio, made.original.audio, label)

    def _video(self, video: StreamInfo, source: StreamInfo | None, label: str) -> Iterator[Problem]:
        for name, value in (
            ("codec", self.video_codec),
            ("width", self.width or (source and source.width)),
            ("height", self.height or (source and source.height)),
            ("pix_fmt", self.pix_fmt or (source and source.pix_fmt)),
            ("sample_aspect", source and source.sample_aspect),
            *zip(_TAGS, self.color or [source and getattr(source, tag) for tag in _TAGS], strict=True),
        ):
            if value is not None and getattr(video, name) != value:
                fix = "Check the encoder options and filters that the image applies by itself."
                if name == "pix_fmt":
                    fix = "Use an encoder built for this bit depth and chroma subsampling."
                yield wrong(f"{label}video {name}", getattr(video, name), value, fix)
        fps = self.fps if self.fps is not None else source and source.fps
        # Half of what 24 and 23.976, or 30 and 29.97, are apart.
        if fps and (video.fps is None or abs(video.fps - fps) > fps / 2000):
            fix = "Let the frame rate pass through, without -r or an fps filter."
            yield wrong(f"{label}frame rate", video.fps and round(video.fps, 3), round(fps, 3), fix)
        if self.max_gop and video.max_gop is not None and video.max_gop > self.max_gop + 0.001:
            yield Problem(
                f"{label}a group of pictures lasts up to {video.max_gop:.3g} s, "
                f"at most {self.max_gop:g} s are asked for",
                f"{label}key frames too far apart",
                "Set -g, and look for an option that overrides it.",
            )
        if self.max_gop and video.open_gops:
            yield Problem(
                f"{label}{video.open_gops} groups of pictures are open: "
                "frames after the key frame need those before it",
                f"{label}open GOP",
                "Set -flags +cgop, or the encoder's own option.",
            )

    def _audio(self, audio: StreamInfo, source: StreamInfo | None, label: str) -> Iterator[Problem]:
        for name, value in (
            ("codec", self.audio_codec),
            ("channels", self.channels or (source and source.channels)),
            ("sample_rate", self.sample_rate or (source and source.sample_rate)),
        ):
            if value is not None and getattr(audio, name) != value:
                yield wrong(f"{label}audio {name}", getattr(audio, name), value, "Check -c:a, -ac and -ar.")


def _contradictions(video: StreamInfo, path: Path, label: str) -> Iterator[Problem]:
    """Colours of which container and pictures say different things: players differ in which they believe."""
    try:
        first = next(output_frames(path), None)
    except JudgeError:
        return  # a rule that looks at all pictures tells it
    for name, coded in zip(_TAGS, first.color if first else (), strict=False):
        declared = getattr(video, name)
        if "unknown" not in (coded, declared) and coded != declared:
            yield Problem(
                f"{label}video {name} is {declared} in the container, and {coded} in the pictures",
                f"{label}video {name} {declared}, pictures {coded}",
                "Set colours once, at the encoder, and look for a -bsf or a muxer's option that changes them.",
            )


def absent(label: str, kind: str) -> Problem:
    """There is no stream of this kind, `video` or `audio`."""
    fix = f"Map the {kind} stream and check the encoder."
    return Problem(f"{label}the output has no {kind} stream", f"{label}no {kind}", fix)


def other_count(label: str, found: int, expected: int) -> Problem:
    """There are more frames, or fewer."""
    fix = "Let all frames pass: -fps_mode passthrough, and no -t, -frames or trim."
    return Problem(f"{label}the output has {found} frames, {expected} were expected", f"{label}frame count", fix)


def wrong(what: str, found: object, wanted: object, fix: str) -> Problem:
    """A value that isn't the one that was expected."""
    return Problem(f"{what} is {found}, {wanted} was expected", f"{what} {found}, expected {wanted}", fix)
