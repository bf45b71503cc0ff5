"""Finds out by doing what a Docker engine enforces, with an image that holds nothing but `init`."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container

from ..engine.faults import engine_faults
from .base import FOLDER, Capability
from .elf import INIT, PROBE_MEMORY
from .engine_http import IMAGES, LABEL

_PRIVATE = "/private"
_STRANGER = "10001"


def folder_archive(program: bytes, *more: str, root: str = "/") -> bytes:
    """A tar archive, to be unpacked in `root`, with `init` in its folder, and further directories that root enters."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        own = () if root == FOLDER else ((FOLDER, 0o755),)
        for name, mode in (*own, *((name, 0o700) for name in more)):
            directory = tarfile.TarInfo(name.strip("/"))
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            archive.addfile(directory)
        info = tarfile.TarInfo(INIT.removeprefix(root).strip("/"))
        info.size, info.mode = len(program), 0o755
        archive.addfile(info, io.BytesIO(program))
    return buffer.getvalue()


def probe(client: DockerClient, run_id: str, program: bytes) -> dict[str, Capability]:
    """The capabilities of `client`'s engine. Raises EnvironmentFault where it can't be probed."""
    tag = f"{IMAGES}/{run_id}:probe"
    with engine_faults("be probed"):
        repository, _, name = tag.rpartition(":")
        client.api.import_image_from_data(folder_archive(program, _PRIVATE), repository=repository, tag=name)
        try:
            return {
                **_probe_running(client, tag, run_id),
                "network-isolation": _probe_network(client, tag, run_id),
                "memory-limit": _probe_memory(client, tag, run_id),
            }
        finally:
            with suppress(APIError):
                client.api.remove_image(tag)


def _container(client: DockerClient, tag: str, run_id: str, *argv: str, **options: Any) -> Container:
    labels = {LABEL: run_id}
    return client.containers.create(tag, entrypoint=[INIT, *argv], network_mode="none", labels=labels, **options)


def _end(client: DockerClient, tag: str, run_id: str, *argv: str, **options: Any) -> Mapping[str, Any]:
    """The state of a container after it ended."""
    container = _container(client, tag, run_id, *argv, **options)
    try:
        container.start()
        container.wait(timeout=30)
        container.reload()
        state: Mapping[str, Any] = container.attrs["State"]
        return state
    finally:
        container.remove(force=True, v=True)


def _probe_running(client: DockerClient, tag: str, run_id: str) -> dict[str, Capability]:
    container = _container(client, tag, run_id)
    try:
        container.start()
        ran = container.exec_run([INIT, "k"]).exit_code
        # Entering a directory of root's with mode 0700: `init` ends with 126 where it is refused.
        enter = [INIT, INIT, _PRIVATE, "", INIT, "k"]
        owner, stranger = (container.exec_run(enter, user=user).exit_code for user in ("0", _STRANGER))
        container.put_archive("/", folder_archive(b"written"))
        stream, _ = container.get_archive(INIT)
        written = b"written" in b"".join(stream)
    finally:
        container.remove(force=True, v=True)
    kept = owner == 0 and stranger == 126
    return {
        "exec": Capability(ran == 0, "" if ran == 0 else f"a program that ends with 0 ended with {ran}"),
        "overlay-on-disk": Capability(written, "" if written else "what was written could not be read back"),
        "ownership": Capability(
            kept, "" if kept else f"user {_STRANGER} entered a directory of root's, or root didn't"
        ),
    }


def _probe_network(client: DockerClient, tag: str, run_id: str) -> Capability:
    isolated = _end(client, tag, run_id, "n")["ExitCode"] == 0
    return Capability(isolated, "" if isolated else "a route leads out of a container without network")


def _probe_memory(client: DockerClient, tag: str, run_id: str) -> Capability:
    limit = PROBE_MEMORY // 2
    try:
        state = _end(client, tag, run_id, "m", mem_limit=limit, memswap_limit=limit)
    except APIError as error:
        return Capability(False, f"the engine refuses memory limits: {error.explanation}")
    if state["ExitCode"] == 137:
        return Capability(True)
    return Capability(False, f"a program took {PROBE_MEMORY} bytes in a container limited to {limit}")
