"""What goes wrong between us and a container engine, as environment faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import EngineUnavailable, EnvironmentFault, StorageFault


@dataclass(frozen=True, slots=True)
class Product:
    """An engine by its name: the variable that says where it is, and what starts and admits to it.

    `api_version` is a version of Docker's API that each of them speaks, or None where the engine has to be asked.
    """

    name: str
    the: str
    variable: str
    api_version: str | None
    start: str
    admit: str
    prune: str


DOCKER = Product(
    name="Docker Engine",
    the="the Docker Engine",
    variable="DOCKER_HOST",
    api_version=None,
    start="sudo systemctl start docker",
    admit="Add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in again)",
    prune="Run `docker system df`, and `docker system prune` or `docker image prune -a`.",
)
PODMAN = Product(
    name="Podman",
    the="Podman",
    variable="CONTAINER_HOST",
    api_version="1.40",  # of Podman 3 and later; asking takes half a second
    start="systemctl --user start podman.socket",
    admit="Start your own (`systemctl --user start podman.socket`) or run as root",
    prune="Run `podman system df`, and `podman system prune` or `podman image prune -a`.",
)


def unavailable(product: Product, host: str, error: Exception, *, otherwise: str) -> EngineUnavailable:
    """Why `product` at `host` can't be used; `otherwise` says, after a comma, what to do without it."""
    from docker.errors import APIError, InvalidVersion, TLSParameterError

    name = product.name
    causes = list(_chain(error))
    start = f"Start it (`{product.start}`), set {product.variable}, {otherwise}."
    if any(isinstance(cause, PermissionError) for cause in causes):
        return EngineUnavailable(
            f"{product.the} at {host} may not be used by user {os.geteuid()}: permission denied",
            remedy=f"{product.admit}, {otherwise}.",
        )
    if any(isinstance(cause, FileNotFoundError) for cause in causes):
        return EngineUnavailable(f"no {name} answers: {host} doesn't exist", remedy=start)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return EngineUnavailable(f"no {name} answers at {host}: connection refused", remedy=start)
    if isinstance(error, TLSParameterError):
        return EngineUnavailable(f"the TLS settings for {host} are wrong: {error}", remedy=f"Mend them, {otherwise}.")
    if host.startswith("ssh:") and "paramiko" in str(error):
        return EngineUnavailable(
            f"{product.the} at {host} can't be reached over ssh: paramiko isn't installed",
            remedy=f'Run `pip install "docker[ssh]"`, or forward its socket with `ssh -L`, {otherwise}.',
        )
    refusals = [str(cause.explanation or cause) for cause in causes if isinstance(cause, APIError)]
    refusals += [str(cause) for cause in causes if isinstance(cause, InvalidVersion)]
    if versions := [refusal for refusal in refusals if "version" in refusal.lower()]:
        return EngineUnavailable(
            f"{product.the} at {host} speaks another version of the API: {versions[0]}",
            remedy=f"Run `pip install --upgrade docker`, upgrade the engine, {otherwise}.",
        )
    return EngineUnavailable(f"{product.the} at {host} doesn't answer: {causes[-1]}", remedy=start)


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
def engine_faults(doing: str, product: Product = DOCKER) -> Iterator[None]:
    """Turn what docker-py raises into environment faults; `doing` completes "the Docker Engine failed to ..."."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        raise fault(doing, error, product) from error


def fault(doing: str, error: Exception, product: Product = DOCKER) -> EnvironmentFault:
    """The environment fault for an error of docker-py, or of `engine.http`."""
    said = str(getattr(error, "explanation", None) or error)
    if "no space left" in said:
        return StorageFault(
            f"{product.the} failed to {doing}: no space left where it keeps its data", remedy=product.prune
        )
    return EngineUnavailable(f"{product.the} failed to {doing}: {said}", remedy="Look into the engine's log.")
