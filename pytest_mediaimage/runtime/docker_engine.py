"""The Docker engine that containers run in."""

from __future__ import annotations

from typing import Any

from docker.models.containers import Container

from ..engine.connect import Engine, connect_docker


def connect() -> Engine:
    """Connect where `DOCKER_HOST`, else the current Docker context, points. Raises EngineUnavailable."""
    return connect_docker(otherwise="or use --media-runtime sandbox, or --media-static")


def api_of(container: Container) -> Any:
    """The client for the requests that docker-py has no typed method for."""
    assert container.client is not None
    return container.client.api
