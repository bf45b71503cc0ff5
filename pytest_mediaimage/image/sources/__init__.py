"""Finds an image: by the transport that the user named, or in each place that could be meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from ...errors import CorruptImage, EnvironmentFault, ImageNotFound
from ..digest import Platform
from ..image import Image
from ..reference import TRANSPORTS, Reference
from .base import NotHere, Opening, Source, local_path

__all__ = ["Opening", "open_image", "platforms_of"]

_SOURCES = {
    "demo": "demo:DemoSource",
    "oci": "layout:LayoutSource",
    "oci-archive": "archive.oci:ArchiveSource",
    "docker-archive": "archive.docker:DockerArchiveSource",
    "docker": "engine.docker:DockerSource",
    "podman": "engine.podman:PodmanSource",
    "registry": "registry:RegistrySource",
}
_PLACES = ", ".join(f"{transport}:" for transport in TRANSPORTS)
_ARCHIVES = ["oci-archive", "docker-archive"]
_DOCKER_SOCKET = Path("/var/run/docker.sock")
_PODMAN_SOCKET = Path("/run/podman/podman.sock")
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
    faults: list[EnvironmentFault] = []
    for transport in _transports(reference):
        try:
            return ask(_source(transport))
        except NotHere as reason:
            tried.append((transport, str(reason)))
        except CorruptImage as error:
            if not error.message.startswith(reference.location):
                error.message = f"{reference.text}: {error.message}"  # of several images, this one
            raise
        except EnvironmentFault as error:
            tried.append((transport, error.message))
            # Without a transport, an engine that isn't on this machine holds nothing; one that is broken may.
            if reference.transport or transport != "docker" or _has_docker():
                faults.append(error)
    if faults:
        # The image may well be where we could not look: the environment's fault, not the reference's.
        reasons = "".join(f"\n  - {source}: {reason}" for source, reason in tried)
        raise type(faults[-1])(
            f"image {reference.text!r} can't be looked up"
            + (f"; tried:{reasons}" if len(tried) > 1 else f": {faults[-1].message}"),
            remedy=" ".join(dict.fromkeys(fault.remedy for fault in faults)),
        ) from faults[-1]
    remedy = f"Check the name, or name the place: {_PLACES}."
    if not reference.transport and [transport for transport, _ in tried] == _ARCHIVES:
        remedy = f"{reference.location} is no image archive. {remedy}"
    raise ImageNotFound(reference.text, tried, remedy=remedy)


def _source(transport: str) -> Source:
    module, _, name = _SOURCES[transport].partition(":")
    source: Source = getattr(import_module(f".{module}", __name__), name)()
    return source


def _transports(reference: Reference) -> list[str]:
    if reference.transport:
        return [reference.transport]
    is_path = reference.location.startswith((".", "/", "~"))  # which no engine knows, and no registry
    names = [] if is_path else ["docker", *(["podman"] if _has_podman() else []), "registry"]
    with suppress(NotHere):
        if local_path(reference).is_dir():
            return ["oci", *names]
        # A file is what was meant, unless a tag or digest stands behind its name: an image may be called as it is.
        return [*_ARCHIVES, *(names if reference.tag or reference.digest else [])]
    return names or ["oci", *_ARCHIVES]


def _has_docker() -> bool:
    return any(os.environ.get(name) for name in ("DOCKER_HOST", "DOCKER_CONTEXT")) or _exists(_DOCKER_SOCKET)


def _has_podman() -> bool:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = runtime is not None and _exists(Path(runtime, "podman", "podman.sock"))
    return own or bool(os.environ.get("CONTAINER_HOST")) or _exists(_PODMAN_SOCKET)


def _exists(socket: Path) -> bool:
    """Root's Podman keeps its socket where others may not even look."""
    try:
        return socket.exists()
    except OSError:
        return False
