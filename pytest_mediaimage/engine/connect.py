"""The way to an engine: the variable that names one, the current Docker context, or the usual sockets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EngineUnavailable
from .faults import DOCKER, PODMAN, Product, engine_faults, unavailable

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.tls import TLSConfig

_DOCKER_SOCKET = "unix:///var/run/docker.sock"
_PODMAN_SOCKET = "/run/podman/podman.sock"
_ANSWER_LIMIT = 300
"""Seconds that the engine may take for one answer; loading a big image is one."""


@dataclass(frozen=True)
class Engine:
    """An engine that answered. `endpoint` is what `http.EngineHttp` takes; `machine` is as `os.uname().machine`."""

    product: Product
    client: DockerClient
    endpoint: dict[str, Any]

    @property
    def version(self) -> str:
        return str(self._about["Version"])

    @property
    def machine(self) -> str:
        return {"amd64": "x86_64", "arm64": "aarch64"}.get(self._about["Arch"], str(self._about["Arch"]))

    @property
    def api_version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in str(self.client.api.api_version).split("."))

    @property
    def is_local(self) -> bool:
        return str(self.endpoint["host"]).startswith("unix:")

    @cached_property
    def _about(self) -> Mapping[str, Any]:
        with engine_faults("tell its version", self.product):
            about: Mapping[str, Any] = self.client.version()
        return about

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the engine says of itself: storage driver, directories, security. Raises EnvironmentFault."""
        with engine_faults("describe itself", self.product):
            info: dict[str, Any] = self.client.info()
        return info


def connect_docker(*, otherwise: str) -> Engine:
    """Connect where `DOCKER_HOST`, else `DOCKER_CONTEXT` or the current Docker context, points.

    Raises EngineUnavailable with the cause and a remedy, which ends with `otherwise`: what to do without an engine.
    """

    def find() -> dict[str, Any]:
        from docker.context import ContextAPI
        from docker.utils import kwargs_from_env

        parameters: dict[str, Any] = {**kwargs_from_env()}
        if "base_url" not in parameters:
            name = os.environ.get("DOCKER_CONTEXT")
            if name and ContextAPI.get_context(name) is None:
                raise EngineUnavailable(
                    f"there is no Docker context {name!r}, which DOCKER_CONTEXT names",
                    remedy=f"`docker context ls` lists what there is; or unset DOCKER_CONTEXT, {otherwise}.",
                )
            parameters |= ContextAPI.kwargs_from_context()
        return {"base_url": _DOCKER_SOCKET, **parameters}

    return _connect(DOCKER, find, otherwise)


def connect_podman(*, otherwise: str) -> Engine:
    """Connect where `CONTAINER_HOST` points, else to the user's own socket of Podman, else to root's.

    Raises EngineUnavailable as `connect_docker` does.
    """

    def find() -> dict[str, Any]:
        if host := os.environ.get("CONTAINER_HOST"):
            return {"base_url": host}
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        own = Path(runtime, "podman", "podman.sock") if runtime else None
        return {"base_url": f"unix://{own if own and own.exists() else _PODMAN_SOCKET}"}

    return _connect(PODMAN, find, otherwise)


def _connect(product: Product, find: Callable[[], dict[str, Any]], otherwise: str) -> Engine:
    from docker import DockerClient
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    host = product.variable
    try:
        parameters = find()
        host = parameters["base_url"]
        client = DockerClient(version=product.api_version, timeout=_ANSWER_LIMIT, **parameters)
        client.ping()
    except (DockerException, RequestException, OSError, ValueError) as error:
        raise unavailable(product, host, error, otherwise=otherwise) from error
    return Engine(product, client, _endpoint(host, parameters.get("tls")))


def _endpoint(host: str, tls: TLSConfig | None) -> dict[str, Any]:
    if not tls:
        return {"host": host}
    cert, key = tls.cert or (None, None)
    return {"host": host, "ca": tls.ca_cert, "cert": cert, "key": key, "verify": bool(tls.verify)}
