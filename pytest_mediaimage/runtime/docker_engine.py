"""The connection to a Docker engine, and what its errors mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docker import DockerClient
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, InvalidVersion, TLSParameterError
from docker.models.containers import Container
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from ..errors import EngineUnavailable, EnvironmentFault, StorageFault

if TYPE_CHECKING:
    from docker.tls import TLSConfig

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_OTHERWISE = "or use --media-runtime sandbox, or --media-static"
_ANSWER_LIMIT = 300
"""Seconds that the engine may take for one answer; loading a big image is one."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`endpoint` is what `engine_http.EngineHttp` takes; `machine` is as `os.uname().machine`."""

    client: DockerClient
    endpoint: dict[str, Any]
    version: str
    machine: str

    @property
    def is_local(self) -> bool:
        return str(self.endpoint["host"]).startswith("unix:")


def connect() -> Engine:
    """Connect where `DOCKER_HOST`, else the current Docker context, points.

    Raises EngineUnavailable with the cause and a remedy.
    """
    host = _DEFAULT_HOST
    try:
        parameters = kwargs_from_env()
        if "base_url" not in parameters:
            parameters |= ContextAPI.kwargs_from_context()
        host = parameters.get("base_url") or _DEFAULT_HOST
        client = DockerClient(timeout=_ANSWER_LIMIT, **parameters)
        version = client.version()
    except (DockerException, RequestException, OSError, ValueError) as error:
        raise _unavailable(host, error) from error
    return Engine(client, _endpoint(host, parameters.get("tls")), str(version["Version"]), _machine(version))


def api_of(container: Container) -> Any:
    """The client for the requests that docker-py has no typed method for."""
    assert container.client is not None
    return container.client.api


def _machine(version: dict[str, Any]) -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(version["Arch"], str(version["Arch"]))


def _endpoint(host: str, tls: TLSConfig | None) -> dict[str, Any]:
    if not tls:
        return {"host": host}
    cert, key = tls.cert or (None, None)
    return {"host": host, "ca": tls.ca_cert, "cert": cert, "key": key, "verify": bool(tls.verify)}


def _unavailable(host: str, error: Exception) -> EngineUnavailable:
    causes = list(_chain(error))
    start = f"Start it (`sudo systemctl start docker`), set DOCKER_HOST, {_OTHERWISE}."
    if any(isinstance(cause, PermissionError) for cause in causes):
        return EngineUnavailable(
            f"the Docker engine at {host} may not be used by user {os.geteuid()}: permission denied",
            remedy="Add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in again), "
            f"{_OTHERWISE}.",
        )
    if any(isinstance(cause, FileNotFoundError) for cause in causes):
        return EngineUnavailable(f"no Docker engine: {host} doesn't exist", remedy=start)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return EngineUnavailable(f"no Docker engine answers at {host}: connection refused", remedy=start)
    if isinstance(error, TLSParameterError):
        return EngineUnavailable(f"the TLS settings for {host} are wrong: {error}", remedy=f"Mend them, {_OTHERWISE}.")
    refusals = [str(cause.explanation or cause) for cause in causes if isinstance(cause, APIError)]
    refusals += [str(cause) for cause in causes if isinstance(cause, InvalidVersion)]
    if versions := [refusal for refusal in refusals if "version" in refusal.lower()]:
        return EngineUnavailable(
            f"the Docker engine at {host} speaks another version of the API: {versions[0]}",
            remedy=f"Run `pip install --upgrade docker`, upgrade the engine, {_OTHERWISE}.",
        )
    return EngineUnavailable(f"the Docker engine at {host} doesn't answer: {causes[-1]}", remedy=start)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from, by cause, context, or (urllib3) as an argument."""
    seen: set[int] = set()
    todo: list[BaseException] = [error]
    while todo:
        item = todo.pop(0)
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        todo += [other for other in (item.__cause__, item.__context__, *item.args) if isinstance(other, BaseException)]


@contextmanager
def engine_faults(doing: str) -> Iterator[None]:
    """Turn what docker-py raises into environment faults; `doing` completes "the Docker engine failed to ..."."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise fault(doing, error) from error


def fault(doing: str, error: Exception) -> EnvironmentFault:
    """The environment fault for an error of docker-py."""
    said = (error.explanation if isinstance(error, APIError) else None) or str(error)
    if "no space left" in said:
        return StorageFault(
            f"the Docker engine failed to {doing}: no space left where it keeps its data",
            remedy="Run `docker system df`, and `docker system prune` or `docker image prune -a`.",
        )
    return EngineUnavailable(f"the Docker engine failed to {doing}: {said}", remedy="Look into the engine's log.")
