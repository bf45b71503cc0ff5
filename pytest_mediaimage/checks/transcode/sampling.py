"""Where a transcode's input comes from: a bundled clip, a file, or an artifact in a registry."""

from __future__ import annotations

from pathlib import Path


def sample_file(name: str, cache: Path | None = None) -> Path:
    """The file that a sample's name stands for, verified by its digest; what is fetched is kept in the cache directory.

    Raises UsageError for an unknown name, and what `image.artifacts.fetch` and `media.samples.find` raise.
    """
    if name.startswith("oras:"):
        from ...image.artifacts import fetch
        from ...image.cache import default_cache_directory, prepare_cache_directory

        return fetch(name, prepare_cache_directory(cache or default_cache_directory()))
    from ...media.samples import find

    return find(name)
