"""Brings an image into a Docker engine that doesn't hold it, and takes it out again.

What a run loads it tags `pytest-mediaimage-run/RUN:DIGEST`, and only that tag keeps the image. Another run
that finds it adds a tag of its own, so the last one takes it away, and an image of the user's is never
touched.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from ..engine.faults import engine_faults, fault
from ..errors import EngineUnavailable
from .base import RunnableImage
from .engine_http import IMAGES


class EngineImages:
    """The images that one run needs in an engine."""

    def __init__(self, client: DockerClient, run_id: str) -> None:
        self._api: Any = client.api
        self._repository = f"{IMAGES}/{run_id}"
        self._tags: set[str] = set()

    def hold(self, image: RunnableImage) -> str:
        """The engine's ID of the image, loaded if need be, and kept until `close`. Raises EnvironmentFault."""
        for _ in range(3):  # another run may remove the image between our look and our tag
            identity = self._find(image) or self._load(image)
            if identity is not None:
                return identity
        raise EngineUnavailable(
            f"the Docker Engine loads {image.name} but doesn't have it afterwards", remedy="Look into the engine's log."
        )

    def _find(self, image: RunnableImage) -> str | None:
        # The image ID is the configuration's digest, or with the containerd store the manifest's or the index's.
        for digest in filter(None, (image.config_digest, image.digest, image.index_digest)):
            with engine_faults(f"look for {image.name}"), suppress(ImageNotFound):
                found = self._api.inspect_image(digest)
                if digest == image.index_digest and not _is_for(found, image.platform):
                    continue  # of an index the engine takes the image for its own machine
                tags = found.get("RepoTags") or []
                if any(tag.startswith(f"{IMAGES}/") for tag in tags) and not self._tag(found["Id"], image):
                    continue
                return str(found["Id"])
        return None

    def _load(self, image: RunnableImage) -> str | None:
        writer = _ArchiveWriter(image.write_docker_archive)
        try:
            with writer as chunks:
                loaded = _load(self._api, chunks)
        except (DockerException, RequestException, OSError) as error:
            if writer.error is not None:
                raise writer.error from None
            raise fault(f"load {image.name}", error) from error
        for name in (image.config_digest, *loaded):
            with engine_faults(f"look for {image.name}"), suppress(ImageNotFound):
                identity = str(self._api.inspect_image(name)["Id"])
                return identity if self._tag(identity, image) else None
        return None

    def _tag(self, identity: str, image: RunnableImage) -> bool:
        tag = image.config_digest.rpartition(":")[2][:16]
        try:
            self._api.tag(identity, self._repository, tag)
        except NotFound:
            return False
        self._tags.add(f"{self._repository}:{tag}")
        return True

    def close(self) -> None:
        """Take our tags away, and with the last one the image."""
        while self._tags:
            with suppress(APIError):  # gone already
                self._api.remove_image(self._tags.pop())


def _is_for(found: dict[str, Any], platform: str) -> bool:
    """Whether what the engine says of an image is said of the one for this platform."""
    told = (found.get("Os"), found.get("Architecture"), found.get("Variant"))
    return all(ours == theirs for ours, theirs in zip(platform.split("/"), told, strict=False) if theirs)


def _load(api: Any, chunks: Iterator[bytes]) -> list[str]:
    """What the engine says that it loaded: IDs or names."""
    loaded = []
    progress: Iterator[dict[str, Any]] = api.load_image(chunks)
    for message in progress:
        if "errorDetail" in message:
            raise DockerException(message["errorDetail"].get("message") or "unknown error")
        if match := re.match(r"Loaded image(?: ID)?: (\S+)", message.get("stream") or ""):
            loaded.append(match[1])
    return loaded


class _ArchiveWriter:
    """Runs a function that writes to a file, in a thread, and gives what it writes in chunks; memory is bounded."""

    def __init__(self, write: Callable[[IO[bytes]], None]) -> None:
        self._write = write
        self.error: Exception | None = None
        self._reader, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Iterator[bytes]:
        self._thread.start()
        return self._read()

    def __exit__(self, *_: object) -> None:
        os.close(self._reader)  # a writer that is still at it gets a broken pipe
        self._thread.join()

    def _run(self) -> None:
        pipe = os.fdopen(self._writer, "wb")
        try:
            with pipe:
                self._write(pipe)
        except BrokenPipeError:
            pass  # the engine wants no more; it says why itself
        except Exception as error:
            self.error = error

    def _read(self) -> Iterator[bytes]:
        while chunk := os.read(self._reader, 1 << 20):
            yield chunk
        self._thread.join()
        if self.error is not None:  # else the engine would take what there is for all
            raise self.error
