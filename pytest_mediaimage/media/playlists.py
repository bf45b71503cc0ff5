"""What HLS playlists and DASH manifests name."""

from __future__ import annotations

from pathlib import Path


def names_in(path: Path) -> list[str]:
    """The files that a playlist names, relative to its own directory; nothing for any other file."""
    return []
