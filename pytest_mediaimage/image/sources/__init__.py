"""Finds an image: by the transport that the user named, or in each place that could be meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TypeVar

from ...errors import EnvironmentFault, ImageNotFound
from ..digest import Platform
from ..image import Image
from ..reference import Reference
from .base import NotHere, Opening, Source, local_path

__all__ = ["Opening", "open_image", "platforms_of"]

_SOURCES = {
    "demo": "demo:DemoSource",
    "oci": "layout:LayoutSource",
    "oci-archive": "archive:ArchiveSource",
    "docker": "docker_engine:DockerSource",
}
_T = TypeVar("_T")


def open_image(reference: Reference, platform: Platform, opening: Opening) -> Image:
    """The image for one platform.

    Raises ImageNotFound with each source tried and its own reason, PlatformNotFound, CorruptImage,
    or EnvironmentFault where a source that may hold the image can't be asked.
    """
    return _first(reference, lambda source: source.open(reference, platform, opening))


def platforms_of(reference: Reference, opening: Opening) -> Sequence[Platform]:
    """Every platform that the reference offers; raises as `open_image` does."""
    return _first(reference, lambda source: source.platforms(reference, opening))


def _first(reference: Reference, ask: Callable[[Source], _T]) -> _T:
    tried: list[tuple[str, str]] = []
    fault: EnvironmentFault | None = None
    for transport in _transports(reference):
        try:
            return ask(_source(transport))
        except NotHere as reason:
            tried.append((transport, str(reason)))
        except EnvironmentFault as error:
            fault = error
            tried.append((transport, error.message))
    if fault is not None:
        # The image may well be where we could not look: the environment's fault, not the reference's.
        others = "".join(f"\n  - {source}: {reason}" for source, reason in tried[:-1])
        raise type(fault)(
            f"image {reference.text!r} can't be looked up: {fault.message}"
            + (f"; tried before:{others}\n" if others else ""),
            remedy=fault.remedy,
        ) from fault
    raise ImageNotFound(reference.text, tried, remedy="Check the name, or name the place: docker:, oci:, oci-archive:.")


def _source(transport: str) -> Source:
    module, _, name = _SOURCES[transport].partition(":")
    source: Source = getattr(import_module(f".{module}", __name__), name)()
    return source


def _transports(reference: Reference) -> list[str]:
    if reference.transport:
        return [reference.transport]
    engines = [] if reference.location.startswith((".", "/", "~")) else ["docker"]  # no engine knows a path
    with suppress(NotHere):
        return ["oci" if local_path(reference).is_dir() else "oci-archive", *engines]
    return engines or ["oci", "oci-archive"]
