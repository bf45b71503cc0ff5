"""What all tests share: an engine, an image worth testing, a cache, and proof that nothing is left behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from support import debian, leftovers

if TYPE_CHECKING:
    from docker import DockerClient

pytest_plugins = ["pytester"]

_CACHE = "MEDIAIMAGE_TEST_CACHE"
"""The environment variable by which the workers of pytest-xdist find the cache of the run."""


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_CACHE] = tempfile.mkdtemp(prefix="pytest-mediaimage-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        from pytest_mediaimage.removal import remove_tree

        remove_tree(Path(os.environ.pop(_CACHE)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"docker_engine", "debian_image"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("docker")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        from support.spreading import write_down

        docker = (item.nodeid for item in session.items if item.get_closest_marker("docker"))
        write_down(Path(os.environ[_CACHE]), docker)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") == "loadfile":
        from support.spreading import ByFile

        return ByFile(config, log, Path(os.environ[_CACHE]))
    return None


@pytest.fixture(scope="session")
def docker_engine() -> DockerClient:
    """A docker-py client; without an engine the test skips, or fails where MEDIAIMAGE_REQUIRE_DOCKER=1."""
    from pytest_mediaimage.errors import EngineUnavailable
    from pytest_mediaimage.runtime.docker_engine import connect

    try:
        return connect().client
    except EngineUnavailable as fault:
        _not_here(str(fault))


@pytest.fixture(scope="session")
def debian_image(docker_engine: DockerClient) -> str:
    """The name of an image in the engine: Debian's ffmpeg (about 650 MB), a user, labels; see support/debian.py."""
    try:
        return debian.build(docker_engine)
    except debian.CannotBuild as reason:
        _not_here(str(reason))


@pytest.fixture(scope="session")
def media_cache() -> Path:
    """A directory for --media-cache that all tests of this run share, so that the demo image is made once."""
    return Path(os.environ[_CACHE])


def _not_here(reason: str) -> NoReturn:
    if os.environ.get("MEDIAIMAGE_REQUIRE_DOCKER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test that leaves a sandbox or a container of this process running."""
    engine = request.getfixturevalue("docker_engine") if "docker_engine" in request.fixturenames else None

    def running() -> set[str]:
        return leftovers.sandboxes() | (leftovers.containers(engine) if engine else set())

    before = running()
    yield
    left = leftovers.after_a_while(lambda: running() - before)
    # A Go program, such as syft, that inherits a real-time priority spins for ever; SVT-AV1 sets one as root.
    assert os.sched_getscheduler(0) == os.SCHED_OTHER, "the test changed this process's scheduling"
    assert not left, f"left running: {', '.join(sorted(left))}"
