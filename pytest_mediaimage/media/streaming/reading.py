"""Opens what is either an HLS playlist or a DASH manifest."""

from __future__ import annotations

from pathlib import Path

from ...errors import JudgeError
from .manifests import parse_dash
from .playlists import Playlist, parse_hls

MAX_BYTES = 1024 * 1024


def names_in(path: Path) -> list[str]:
    """The files that a playlist names, relative to its own directory; nothing for any other file.

    Nothing either for a playlist that can't be parsed or names what it may not: `read` says why.
    """
    try:
        return list(read(path).names)
    except JudgeError:
        return []


def read(path: Path) -> Playlist:
    """Parse a playlist or manifest; which of them it is shows in its first bytes. Raises JudgeError."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
            if not head.startswith(b"#EXTM3U") and b"<MPD" not in head and not head.startswith(b"<?xml"):
                raise JudgeError(f"{path.name} is neither an HLS playlist nor a DASH manifest")
            data = head + file.read(MAX_BYTES + 1 - len(head))
        if len(data) > MAX_BYTES:
            raise JudgeError(f"{path.name} has over {MAX_BYTES} bytes, too many for a playlist")
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JudgeError(f"{path.name} can't be read as a playlist: {error}") from error
    try:
        return parse_hls(text) if text.startswith("#EXTM3U") else parse_dash(text)
    except JudgeError as error:
        raise JudgeError(f"{path.name}: {error.message}") from error
