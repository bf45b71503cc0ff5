"""`docker:REF`: an image in a Docker Engine, with whichever store the engine has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from ....engine.connect import Engine, connect_docker
from ....engine.faults import engine_faults
from ....errors import PlatformNotFound
from ...config import Config
from ...digest import Digest, Platform
from ...image import Image
from ...reading import Content
from ...reference import Reference
from ..base import NotHere, Opening
from .config import config_of, instructions, layers_of, platform_of
from .files import FilesContent, docker_config, docker_places
from .saved import SavedContent
from .saving import Request, Saving, api_path
from .store import StoredImage, keeps_whole_images


def connect() -> Engine:
    """As `connect_docker`, for those who look at images."""
    return connect_docker(otherwise="or use an oci: image, which needs no engine")


class DockerSource:
    """Reads images out of a Docker Engine."""

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        engine = connect()
        try:
            return _open(engine, reference, platform, opening)
        except BaseException:
            engine.client.close()
            raise

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        engine = connect()
        with closing(engine.client):
            attributes = _inspect(engine, reference)
            if keeps_whole_images(engine):
                return StoredImage(engine, Digest(attributes["Id"]), reference, opening.cache).platforms()
            return [platform_of(attributes, engine.product.the)]


def _open(engine: Engine, reference: Reference, platform: Platform, opening: Opening) -> Image:
    attributes = _inspect(engine, reference)
    identity = Digest(attributes["Id"])
    content: Content
    manifest = index = offering = None
    if keeps_whole_images(engine):
        stored = StoredImage(engine, identity, reference, opening.cache)
        resolved, content = stored.resolve(platform)
        config, manifest, index = resolved.config, resolved.manifest, resolved.index
        offering = stored.offering()
    else:
        check_platform(platform_of(attributes, engine.product.the), platform, reference)
        config = docker_config(engine, identity) or _told_config(engine, identity, attributes)
        request = Request(f"{api_path(engine)}/images/{identity}/get", {})
        saved = SavedContent(Saving(engine, identity, reference.text, [request]), config, opening.cache)
        places = docker_places(engine, config.diff_ids)
        content = FilesContent(places, saved) if places else saved
    return Image(
        reference,
        source="docker",
        config=config,
        content=content,
        cache=opening.cache,
        analysers=opening.analysers,
        manifest=manifest,
        index_digest=index,
        engine_name=identity,
        offering=offering,
    )


def check_platform(offered: Platform, wanted: Platform, reference: Reference) -> None:
    """Raises PlatformNotFound where the only platform that there is isn't the wanted one."""
    if offered != wanted and not offered.startswith(wanted + "/"):
        raise PlatformNotFound(reference.text, wanted, [offered])


def _inspect(engine: Engine, reference: Reference) -> dict[str, Any]:
    import docker.errors

    with engine_faults(f"inspect {reference.text}"):
        try:
            attributes: dict[str, Any] = engine.client.api.inspect_image(  # type: ignore[no-untyped-call]
                reference.without_transport
            )
        except docker.errors.ImageNotFound:
            raise NotHere("the Docker Engine has no such image") from None
    return attributes


def _told_config(engine: Engine, identity: Digest, attributes: dict[str, Any]) -> Config:
    with engine_faults("tell the history of the image"):
        newest_first = engine.client.api.history(identity)  # type: ignore[no-untyped-call]
    lines = instructions(newest_first[::-1], len(layers_of(attributes)))
    return config_of(attributes, identity, [{"created_by": line} for line in lines])
