"""`podman:REF`: an image in Podman, by its service."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from ....engine.connect import Engine, connect_podman
from ....engine.faults import fault
from ....engine.http import EngineHttp
from ....errors import CorruptImage, EngineUnavailable, InvalidReference
from ...digest import Digest, Platform
from ...image import Image
from ...reading import Content
from ...reference import Reference
from ..base import NotHere, Opening
from .config import config_of, platform_of
from .docker import check_platform
from .files import FilesContent, podman_config, podman_places
from .saved import SavedContent
from .saving import Request, Saving

# Every Podman from 4.0 on takes requests of that version.
_IMAGES = "/v4.0.0/libpod/images"
# docker-archive holds the layers as they are; where it can't be made (zstd layers) an archive that Podman first packs.
_FORMATS = ("docker-archive", "oci-archive")


class PodmanSource:
    """Reads images out of Podman. Its own API is asked: the one like Docker's doesn't find what lies in localhost/."""

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        engine = _connect()
        try:
            return _open(engine, reference, platform, opening)
        except BaseException:
            engine.client.close()
            raise

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        engine = _connect()
        with closing(engine.client):
            return [platform_of(_inspect(engine, reference), engine.product.the)]


def _connect() -> Engine:
    return connect_podman(otherwise="or use an oci: image, which needs no engine")


def _open(engine: Engine, reference: Reference, platform: Platform, opening: Opening) -> Image:
    attributes = _inspect(engine, reference)
    check_platform(platform_of(attributes, engine.product.the), platform, reference)
    try:
        identity = Digest(f"sha256:{attributes['Id']}")
    except (KeyError, InvalidReference) as error:
        raise CorruptImage(f"Podman tells no ID of the image: {error}") from error
    config = podman_config(engine, identity) or config_of(attributes, identity, attributes.get("History") or ())
    requests = [Request(f"{_IMAGES}/{identity.hex}/get", {"format": format}) for format in _FORMATS]
    saved = SavedContent(Saving(engine, identity, reference.text, requests), config, opening.cache)
    places = podman_places(engine, config.diff_ids)
    content: Content = FilesContent(places, saved) if places else saved
    return Image(
        reference,
        source="podman",
        config=config,
        content=content,
        cache=opening.cache,
        analysers=opening.analysers,
        engine_name=identity,
    )


def _inspect(engine: Engine, reference: Reference) -> dict[str, Any]:
    try:
        client = EngineHttp(engine.endpoint)
    except ValueError:
        raise EngineUnavailable(
            f"Podman at {engine.endpoint['host']} can't be asked for images: only its socket or tcp: will do",
            remedy="Forward its socket with `ssh -L`, and set CONTAINER_HOST=unix:... to it.",
        ) from None
    try:
        attributes: dict[str, Any] | None = client.request("GET", f"{_IMAGES}/{reference.without_transport}/json")
    except (OSError, http.client.HTTPException) as error:
        raise fault(f"inspect {reference.text}", error, engine.product) from error
    if attributes is None:
        raise NotHere("Podman has no such image")
    return attributes
