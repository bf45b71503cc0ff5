"""Names from FFmpeg's own listings (`-encoders`, `-decoders`, `-filters`, `-protocols`, `-muxers`) and its version.

The formats of FFmpeg 4 to 9: flags in six columns for codecs, two or three for filters. Lines that fit no format are
passed over, so a warning in the middle of the listing does no harm.
"""

from __future__ import annotations

import re

_CODEC = re.compile(r"^ [VAS][F.][S.][X.][B.][D.] ([A-Za-z0-9_][\w.+-]*)(?: |$)")
_FILTER = re.compile(r"^ [T.][S.][C.]? +([A-Za-z0-9_]\w*) +[AVN|]+->[AVN|]+(?: |$)")
_PROTOCOL = re.compile(r"^  ([a-z0-9_+.-]+)$")
_MUXER = re.compile(r"^ [D ]E[d ]? +([\w,-]+)(?: |$)")
_PIX_FMTS = re.compile(r"^ *Supported pixel formats: (.+)$", re.MULTILINE)
_VERSION = re.compile(r"^(?:ffmpeg|ffprobe) version (\S+)")


def encoders(text: str) -> frozenset[str]:
    """Names in what `ffmpeg -hide_banner -encoders` prints, such as `libx264`."""
    return _names(_CODEC, text)


def decoders(text: str) -> frozenset[str]:
    """Names in what `ffmpeg -hide_banner -decoders` prints, such as `h264`."""
    return _names(_CODEC, text)


def filters(text: str) -> frozenset[str]:
    """Names in what `ffmpeg -hide_banner -filters` prints, such as `scale`."""
    return _names(_FILTER, text)


def protocols(text: str) -> frozenset[str]:
    """Names in what `ffmpeg -hide_banner -protocols` prints, input and output together, such as `https`."""
    return _names(_PROTOCOL, text)


def muxers(text: str) -> frozenset[str]:
    """Names in what `ffmpeg -hide_banner -muxers` prints, such as `mp4`."""
    return frozenset(name for names in _names(_MUXER, text) for name in names.split(","))


def pix_fmts(text: str) -> frozenset[str]:
    """Names in what `ffmpeg -hide_banner -h encoder=NAME` prints, such as `yuv420p10le`."""
    match = _PIX_FMTS.search(text)
    return frozenset(match[1].split()) if match else frozenset()


def version(text: str) -> str | None:
    """The version in the first line of `ffmpeg -version`, such as `n8.1.2` or `5.1.9-0+deb12u1`, or None."""
    match = _VERSION.match(text)
    return match[1] if match else None


def _names(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(match[1] for line in text.splitlines() if (match := pattern.match(line)))
