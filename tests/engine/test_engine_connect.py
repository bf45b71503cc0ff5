"""Where an engine is looked for, by image sources and runtimes alike, and what is said where there is none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from pytest_mediaimage.engine.connect import Engine, connect_docker, connect_podman
from pytest_mediaimage.errors import EngineUnavailable
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image
from pytest_mediaimage.runtime.docker_engine import connect as connect_runtime

Write = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def no_engine_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Write:
    """`context(name, host)` writes a Docker context; the first one is the current one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def write(name: str, host: str) -> None:
        meta = tmp_path / "contexts" / "meta" / sha256(name.encode()).hexdigest() / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}))
        if not (tmp_path / "config.json").exists():
            (tmp_path / "config.json").write_text(json.dumps({"currentContext": name}))

    return write


def look_at_image() -> object:
    return open_image(Reference.parse("docker:a:1"), Platform("linux/amd64"), Opening(Path("unused")))


def docker() -> Engine:
    return connect_docker(otherwise="or go home")


def podman() -> Engine:
    return connect_podman(otherwise="or go home")


@pytest.mark.parametrize("ask", [look_at_image, connect_runtime])
def test_images_and_containers_are_looked_for_at_one_place(ask: Callable[[], object], context: Write) -> None:
    context("mine", "unix:///nowhere/mine.sock")
    with pytest.raises(EngineUnavailable, match=r"no Docker Engine answers: unix:///nowhere/mine\.sock doesn't exist"):
        ask()


def test_each_says_what_to_do_without(context: Write) -> None:
    context("mine", "unix:///nowhere/mine.sock")
    with pytest.raises(EngineUnavailable, match=r"set DOCKER_HOST, or use an oci: image, which needs no engine\.$"):
        look_at_image()
    with pytest.raises(EngineUnavailable, match=r"set DOCKER_HOST, or use --media-runtime sandbox, or --media-static"):
        connect_runtime()


def test_the_variable_counts_before_the_context(context: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    context("mine", "unix:///nowhere/mine.sock")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/variable.sock")
    with pytest.raises(EngineUnavailable, match=r"nowhere/variable\.sock"):
        docker()


def test_a_context_by_name(context: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    context("mine", "unix:///nowhere/mine.sock")
    context("other", "unix:///nowhere/other.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with pytest.raises(EngineUnavailable, match=r"nowhere/other\.sock"):
        docker()
    monkeypatch.setenv("DOCKER_CONTEXT", "third")
    with pytest.raises(
        EngineUnavailable, match="there is no Docker context 'third', which DOCKER_CONTEXT names"
    ) as caught:
        docker()
    assert "docker context ls" in caught.value.remedy


def test_the_usual_socket(context: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_mediaimage.engine.connect._DOCKER_SOCKET", "unix:///nowhere/usual.sock")
    monkeypatch.setattr("docker.context.ContextAPI.kwargs_from_context", dict)
    with pytest.raises(EngineUnavailable, match=r"nowhere/usual\.sock.*systemctl start docker.*or go home\.$"):
        docker()


def test_where_podman_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pytest_mediaimage.engine.connect._PODMAN_SOCKET", "/nowhere/root.sock")
    with pytest.raises(EngineUnavailable, match=r"no Podman answers: unix:///nowhere/root\.sock doesn't exist"):
        podman()
    own = tmp_path / "podman" / "podman.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"nowhere/root\.sock"):  # the user runs none
        podman()
    own.parent.mkdir()
    own.touch()
    with pytest.raises(EngineUnavailable, match=r"at unix://.*/podman/podman\.sock: connection refused"):
        podman()
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere/named.sock")
    with pytest.raises(EngineUnavailable, match=r"named\.sock doesn't exist.*set CONTAINER_HOST, or go home\.$"):
        podman()


@pytest.mark.parametrize(("ask", "variable"), [(docker, "DOCKER_HOST"), (podman, "CONTAINER_HOST")])
def test_ssh_without_paramiko(ask: Callable[[], object], variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.setenv(variable, "ssh://user@nowhere.invalid")
    with pytest.raises(EngineUnavailable, match=r"over ssh: paramiko isn't installed.*docker\[ssh\].*or go home"):
        ask()


@pytest.mark.docker
def test_what_an_engine_says_of_itself(docker_engine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    engine = docker()
    assert engine.version.split(".")[0].isdigit()
    assert engine.api_version >= (1, 41)
    assert engine.machine in ("x86_64", "aarch64")
    assert engine.info["ServerVersion"] == engine.version
    engine.client.close()
