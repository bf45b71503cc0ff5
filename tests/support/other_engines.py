"""Further engines for the tests: a newer Docker, with either of its stores, and Podman; each for the time of a block.

Root starts them, in namespaces of their own: they leave neither mounts nor a network behind, and the machine's own
engines as they were. The Docker is Debian trixie's (26), which runs on bookworm as well; its packages are fetched into
an apt directory of our own and kept in the tests' cache directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException
from requests.exceptions import RequestException

from pytest_mediaimage.removal import remove_tree

from . import debs

_PROGRAMS = {"docker.io": "usr/sbin/dockerd", "containerd": "usr/bin/containerd"}
_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 30


class NoEngine(Exception):
    """This machine lacks what it takes; the text is the reason."""


def docker_programs() -> Path:
    """A directory with a newer dockerd and its containerd, fetched when it isn't there. Raises NoEngine."""
    try:
        return debs.kept("docker", _fetch)
    except debs.CannotFetch as reason:
        raise NoEngine(str(reason)) from reason


def _fetch(bin: Path) -> None:
    with tempfile.TemporaryDirectory(dir=bin) as folder:
        debs.unpack(list(_PROGRAMS), Path(folder))
        for program in _PROGRAMS.values():
            (Path(folder) / program).rename(bin / Path(program).name)


@contextmanager
def newer_docker(*, containerd_store: bool, bridge: bool = False) -> Iterator[str]:
    """The socket of a newer Docker without images, as DOCKER_HOST wants it. Raises NoEngine.

    A build that runs something needs the `bridge`, which leads nowhere.
    """
    with _folder() as folder:
        (folder / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": containerd_store}}))
        host = f"unix://{folder}/docker.sock"
        argv = ["dockerd", "--config-file", f"{folder}/daemon.json", "--data-root", f"{folder}/data"]
        argv += ["--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid", "--host", host]
        argv += ["--iptables=false", "--ip6tables=false", *([] if bridge else ["--bridge=none"])]
        path = f"{docker_programs()}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        with _running(argv, {"PATH": path}, host, folder):
            yield host


@contextmanager
def podman() -> Iterator[str]:
    """The socket of a Podman without images, as CONTAINER_HOST wants it. Raises NoEngine."""
    if shutil.which("podman") is None:
        raise NoEngine("podman is missing")
    with _folder() as folder:
        (folder / "containers.conf").write_text('[engine]\nruntime = "runc"\n')
        host = f"unix://{folder}/podman.sock"
        argv = ["podman", "--root", f"{folder}/data", "--runroot", f"{folder}/run", "--storage-driver=overlay"]
        argv += ["system", "service", "--time=0", host]
        with _running(argv, {"CONTAINERS_CONF": f"{folder}/containers.conf"}, host, folder):
            yield host


@contextmanager
def required(engine: AbstractContextManager[str]) -> Iterator[str]:
    """The engine's socket. Where it can't be started the test skips, or fails where MEDIAIMAGE_REQUIRE_DOCKER=1."""
    with ExitStack() as stack:
        try:
            host = stack.enter_context(engine)
        except NoEngine as reason:
            if os.environ.get("MEDIAIMAGE_REQUIRE_DOCKER") == "1":
                pytest.fail(str(reason))
            pytest.skip(str(reason))
        yield host


@contextmanager
def _folder() -> Iterator[Path]:
    """A directory with a short path, since it holds sockets, on a file system that overlays can lie on."""
    if os.geteuid() != 0:
        raise NoEngine("only root can start an engine")
    folder = Path(tempfile.mkdtemp(prefix="mediaimage-engine-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        remove_tree(folder)


@contextmanager
def _running(argv: Sequence[str], environment: Mapping[str, str], host: str, folder: Path) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            # In a network of its own "no bridge" is safe: elsewhere dockerd would delete the other engine's.
            ["unshare", "--net", "--mount", "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _SECONDS_TO_START
        while not _answers(host):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-8:])
                raise NoEngine(f"{argv[0]} did not start; its last words:\n  {tail}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(host: str) -> bool:
    try:
        client = docker.DockerClient(host, version="1.40", timeout=20)
        client.ping()
        client.close()
    except (DockerException, RequestException, OSError):
        return False
    return True
