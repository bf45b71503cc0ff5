"""What a source of images is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..digest import Platform
from ..image import Image
from ..reference import Reference
from ..scan import Analyser


class NotHere(Exception):
    """The source doesn't hold the image; the text says why."""


def local_path(reference: Reference) -> Path:
    """The path that the reference means. Raises NotHere where there is nothing, or nothing to be looked at."""
    try:
        path = Path(reference.location).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NotHere("no such file or directory") from None
    except OSError as error:
        raise NotHere(f"it can't be looked at: {error.strerror}") from error
    except (RuntimeError, ValueError) as error:  # no such user; no such file name
        raise NotHere(f"it can't be looked at: {error}") from error
    return path


@dataclass(frozen=True, slots=True)
class Opening:
    """What every image gets from the run that opens it: where to keep what is learnt, and who learns.

    With `keep_blobs` a layer that comes over the network is kept in the cache as it is read, since it will be
    wanted again: to run the image, or by syft.
    """

    cache: Path
    analysers: tuple[Analyser, ...] = ()
    keep_blobs: bool = False


class Source(Protocol):
    """One way to get at images. Importing a source's module is cheap; its heavy parts are imported when used."""

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        """Raises NotHere, PlatformNotFound, CorruptImage, or EnvironmentFault."""

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        """The platforms that the reference offers; raises as `open` does."""
