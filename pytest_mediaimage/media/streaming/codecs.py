"""What a track's codec is called in playlists (RFC 6381), from its own decoder configuration."""

from __future__ import annotations

from pathlib import Path

from .. import judge


def codec_names(path: Path) -> list[str]:
    """One for each video and audio stream: whole (`avc1.64000d`, `mp4a.40.2`), or but the beginning (`hvc1`).

    Empty strings stand for codecs that aren't known here. Raises JudgeError.
    """
    with judge.open_media(path) as container:
        names = []
        for stream in (*container.streams.video, *container.streams.audio):
            context = stream.codec_context
            codec = context.codec.canonical_name if context is not None else ""
            extradata = (context.extradata or b"") if context is not None else b""
            if codec == "h264" and extradata[:1] == b"\x01":
                names.append(f"avc1.{extradata[1:4].hex()}")  # profile, constraints, level: RFC 6381, 3.3
            elif codec == "aac" and extradata:
                names.append(f"mp4a.40.{extradata[0] >> 3}")  # the audio object type: ISO/IEC 14496-3, 1.6.2.1
            else:
                names.append(
                    {"hevc": "hvc1", "av1": "av01", "vp9": "vp09", "opus": "opus", "flac": "flac"}.get(codec, "")
                )
        return names


def is_plausible(declared: tuple[str, ...], found: str) -> bool:
    """Whether one of the declared names is that of a track (`avc3` and `hev1` differ only in where headers lie)."""
    same = {"avc3": "avc1", "hev1": "hvc1"}
    names = [same.get(name[:4].lower(), name[:4].lower()) + name[4:].lower() for name in declared]
    return any(name == found or ("." not in found and name.split(".")[0] == found) for name in names)
