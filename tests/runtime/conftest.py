"""Runtimes to test: the sandbox, and Docker where there is an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_mediaimage.runtime.base import Container, RunnableImage, Runtime

Start = Callable[[RunnableImage], Container]


@pytest.fixture(scope="session", params=["sandbox", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    from pytest_mediaimage.runtime import choose

    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    runtime = choose(request.param, cache=tmp_path_factory.mktemp("cache"))
    yield runtime
    runtime.close()


@pytest.fixture
def start(runtime: Runtime, tmp_path: Path) -> Iterator[Start]:
    """`start(image)` gives a container that the test needn't close."""
    containers: list[Container] = []

    def begin(image: RunnableImage) -> Container:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        containers.append(runtime.start(image, work=work))
        return containers[-1]

    yield begin
    for container in containers:
        container.close()
