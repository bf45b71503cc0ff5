"""`docker:REF`: an image in a Docker Engine, read from the stream that `docker save` gives.

Engines up to 24 save `<id>/layer.tar`, later ones an OCI layout; with the containerd store the blobs in it are
compressed. The stream comes in no useful order, so a layer is known by its diffID once it has been read; which
member held which layer is kept for the next pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CorruptImage, EngineUnavailable, InvalidReference, PlatformNotFound
from ...storage import write_atomically
from ..compression import LayerStream
from ..config import Config
from ..digest import Digest, Platform
from ..image import Image
from ..layer import Layer
from ..reference import Reference
from ..tar import BLOCK, Member, TarReader
from .base import NotHere, Opening

if TYPE_CHECKING:
    import docker

# An engine that hangs must not hang the run; a large layer may take this long between two chunks.
_TIMEOUT = 120


def connect() -> docker.DockerClient:
    """A client for the engine that DOCKER_HOST names, or the local one. Raises EngineUnavailable."""
    import docker

    try:
        client = docker.from_env(timeout=_TIMEOUT)
        client.ping()
    except Exception as error:  # docker-py lets requests' and urllib3's errors through
        raise EngineUnavailable(
            f"no Docker Engine answers: {_cause(error)}",
            remedy="Start it, join the group docker, set DOCKER_HOST, or use an oci: image, which needs no engine.",
        ) from error
    return client


def _cause(error: BaseException) -> str:
    text = str(error)
    for words, meaning in (
        ("PermissionError", "its socket may not be used by this user (permission denied)"),
        ("Permission denied", "its socket may not be used by this user (permission denied)"),
        ("FileNotFoundError", "there is no socket at its address"),
        ("Connection refused", "the connection was refused"),
    ):
        if words in text:
            return meaning
    return text[:200]


class DockerSource:
    """Reads images out of a Docker Engine."""

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        client = connect()
        attributes = _inspect(client, reference)
        offered = _platform_of(attributes)
        if offered != platform and not offered.startswith(platform + "/"):
            client.close()
            raise PlatformNotFound(reference.text, platform, [offered])
        config = _config_from_inspect(attributes, client)
        return Image(
            reference,
            source="docker",
            config=config,
            content=DockerContent(client, config, opening.cache),
            cache=opening.cache,
            analysers=opening.analysers,
            engine_name=reference.without_transport,
        )

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        with closing(connect()) as client:
            return [_platform_of(_inspect(client, reference))]


def _inspect(client: docker.DockerClient, reference: Reference) -> dict[str, Any]:
    import docker.errors

    try:
        attributes: dict[str, Any] = client.api.inspect_image(  # type: ignore[no-untyped-call]
            reference.without_transport
        )
    except docker.errors.ImageNotFound:
        raise NotHere("the Docker Engine has no such image") from None
    except docker.errors.APIError as error:
        raise EngineUnavailable(f"the Docker Engine can't inspect the image: {error.explanation or error}") from error
    return attributes


def _platform_of(attributes: dict[str, Any]) -> Platform:
    try:
        return Platform.of(attributes["Os"], attributes["Architecture"], attributes.get("Variant") or "")
    except (KeyError, InvalidReference) as error:
        raise CorruptImage(f"the Docker Engine tells no platform for the image: {error}") from error


def _config_from_inspect(attributes: dict[str, Any], client: docker.DockerClient) -> Config:
    """The engine's inspect answer, in the words of the image configuration."""
    layers = (attributes.get("RootFS") or {}).get("Layers") or []
    newest_first = client.api.history(attributes["Id"])  # type: ignore[no-untyped-call]
    document = {
        "os": attributes.get("Os", ""),
        "architecture": attributes.get("Architecture", ""),
        "variant": attributes.get("Variant") or "",
        "config": attributes.get("Config") or {},
        "rootfs": {"type": "layers", "diff_ids": layers},
        "history": [{"created_by": line} for line in _instructions(newest_first[::-1], len(layers))],
    }
    return Config.from_bytes(json.dumps(document).encode(), Digest(attributes["Id"]))


_METADATA = re.compile(
    r"(?:/bin/sh -c #\(nop\)\s+)?"
    r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b"
)


def _instructions(history: Sequence[dict[str, Any]], layers: int) -> list[str]:
    """The instruction of each layer. The engine doesn't say which instructions made none, so it is told by
    their bytes and words; where that leaves a doubt nobody is blamed.
    """
    lines = [(str(item.get("CreatedBy") or ""), bool(item.get("Size"))) for item in history]
    made = [(line, sized) for line, sized in lines if sized or not _METADATA.match(line)]
    # BuildKit makes a layer of every WORKDIR, the builder before it only where the directory is new.
    known: list[str] = []
    new = []
    for line, sized in made:
        place = "" if sized or "WORKDIR " not in line else line.rpartition("WORKDIR ")[2].strip()
        if not place or not any(f"{earlier}/".startswith(f"{place}/") for earlier in known):
            new.append(line)
        known += [place] if place else []
    for reading in (
        [line for line, _ in made],
        new,
        [line for line, sized in made if sized or "WORKDIR " not in line],
    ):
        if len(reading) == layers:
            return reading
    return []


class DockerContent:
    """The layers in the engine's save stream."""

    def __init__(self, client: docker.DockerClient, config: Config, cache: Path) -> None:
        self._client = client
        self._config = config
        self._map = cache / "docker" / f"{config.digest.hex}.json"

    def layer_streams(self, layers: Sequence[Layer], *, identified: bool) -> Iterator[LayerStream]:
        known = self._load_map()
        wanted = {layer.diff_id for layer in layers}
        if identified and not wanted <= set(known.values()):
            for stream in self._streams({}):
                stream.verify()
            known = self._load_map()
        for stream in self._streams(known):
            if stream.diff_id is None or stream.diff_id in wanted:
                wanted.discard(stream.diff_id or Digest("sha256:" + "0" * 64))
                yield stream
                if not wanted:
                    return

    def _streams(self, known: dict[str, Digest]) -> Iterator[LayerStream]:
        """Every layer in the stream; each is verified before the next is given out, and remembered."""
        seen = dict(known)
        with closing(_ChunkStream(self._save())) as saved:
            reader = TarReader(saved, where=f"docker save of {self._config.digest[:19]}")
            for member in reader:
                if not _may_be_layer(member):
                    continue
                content = _ChunkStream(reader.chunks())
                if _is_document(content.peek(BLOCK)):
                    continue
                stream = LayerStream(content, where=f"layer {member.name}", diff_id=known.get(member.name))
                yield stream
                diff_id = stream.verify()
                if diff_id in self._config.diff_ids:
                    seen[member.name] = diff_id
        if seen != known:
            write_atomically(self._map, json.dumps(seen).encode())

    def _save(self) -> Iterator[bytes]:
        import docker.errors

        try:
            chunks: Iterator[bytes] = self._client.api.get_image(self._config.digest, chunk_size=1 << 20)
            yield from chunks
        except docker.errors.APIError as error:
            raise EngineUnavailable(f"docker save failed: {error.explanation or error}") from error
        except OSError as error:  # requests' errors are OSErrors
            raise EngineUnavailable(f"the connection to the Docker Engine broke: {error}") from error

    def _load_map(self) -> dict[str, Digest]:
        with suppress(OSError, ValueError, InvalidReference, AttributeError):
            return {str(name): Digest(digest) for name, digest in json.loads(self._map.read_bytes()).items()}
        return {}


def _may_be_layer(member: Member) -> bool:
    return member.type == "0" and (member.name.endswith("/layer.tar") or member.name.startswith("blobs/"))


def _is_document(head: bytes) -> bool:
    """Engines from 25 on keep manifests and configurations among the layers."""
    return head[:1] == b"{" and head[257:262] != b"ustar"


class _ChunkStream:
    """An iterator of chunks as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def peek(self, count: int) -> bytes:
        """The next bytes, without taking them; fewer at the end."""
        while len(self._rest) < count and (chunk := next(self._chunks, None)) is not None:
            self._rest += chunk
        return self._rest[:count]

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close:
            close()
