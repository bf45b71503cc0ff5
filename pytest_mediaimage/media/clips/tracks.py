"""A clip with all that a file may hold beside the picture: tracks in languages, subtitles, chapters."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition
from av.subtitles.subtitle import SubtitleSet

from .sound import Track, Writer

FRAMES = 96
AUDIO = (
    Track("5.1", 256_000, "eng", "Surround", Disposition.default.value),
    Track("stereo", 96_000, "deu", "Deutsch für alle", 0),
    Track("mono", 48_000, "fra", "Commentaire", Disposition.comment.value),
)
#: Language, title, disposition, and cues: begin, end in ms, text.
SUBTITLES = (
    ("eng", "English", 0, ((400, 1400, "One small step"), (1800, 3200, "and then another"))),
    ("deu", "Nur Schilder", Disposition.forced.value, ((1000, 2000, "Ausgang – bitte läuten"),)),
)
CHAPTERS = ((0, 1280, "Opening"), (1280, 2560, "Überfahrt"), (2560, 3840, "End"))
_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\nPlayResX: 384\nPlayResY: 288\n\n[V4+ Styles]\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    b"Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
    b"MarginV, Encoding\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\n\n[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def _tracks(path: Path) -> None:
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
        writer = Writer(out, AUDIO, crf=24)
        texts = [_stream(out, language, title, value) for language, title, value, _ in SUBTITLES]
        out.set_chapters(
            [
                {"id": at, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for at, (start, end, title) in enumerate(CHAPTERS)
            ]
        )
        for stream, (*_, cues) in zip(texts, SUBTITLES, strict=True):
            for begin, end, text in cues:
                out.mux(_packet(stream, begin, end, text))
        writer.write(0, FRAMES)


def _stream(out: Any, language: str, title: str, disposition: int) -> Any:
    stream = out.add_stream("mov_text")
    stream.codec_context.subtitle_header = _HEADER
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"], stream.metadata["title"] = language, title
    stream.disposition = Disposition(disposition)
    return stream


def _packet(stream: Any, begin: int, end: int, text: str) -> Any:
    line = SubtitleSet.create(f"0,0,Default,,0,0,0,,{text}".encode(), 0, end - begin, begin)
    packet = stream.codec_context.encode_subtitle(line)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    return packet


CLIPS = {"tracks-256x144.mp4": _tracks}
