"""What is Docker's own: connecting, loading images, and giving the engine back as it was."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import socketserver
import threading
import time
from typing import IO

import pytest
from strangers import as_stranger
from tiny_images import Directory, File, TinyImage, shell_image

from pytest_mediaimage.engine.faults import fault
from pytest_mediaimage.errors import CorruptImage, EngineUnavailable, EnvironmentFault, StorageFault
from pytest_mediaimage.runtime.docker import DockerRuntime
from pytest_mediaimage.runtime.docker_engine import connect
from pytest_mediaimage.runtime.engine_http import IMAGES, LABEL


@pytest.fixture
def images(docker_engine):
    """The tags and IDs in the engine, apart from those of other tests at work."""

    def listed(image: TinyImage) -> list[str]:
        found = docker_engine.api.images(all=True)
        mine = [one for one in found if one["Id"] == image.config_digest]
        return sorted(tag for one in mine for tag in (one["RepoTags"] or ["untagged"]))

    return listed


def unique(name: str) -> TinyImage:
    return shell_image({"unique": File(f"{name} {os.getpid()}".encode())})


@pytest.mark.docker
def test_loaded_image_goes_at_the_end(images, tmp_path):
    image = unique("loaded")
    runtime = DockerRuntime(tmp_path)
    container = runtime.start(image, work=tmp_path)
    assert container.run(["cat", "/unique"]).stdout == f"loaded {os.getpid()}"
    assert len(images(image)) == 1
    container.close()
    runtime.close()
    assert images(image) == []
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.docker
def test_the_users_image_stays(docker_engine, images, tmp_path):
    image = unique("users")
    buffer = io.BytesIO()
    image.write_docker_archive(buffer)
    (loaded,) = docker_engine.images.load(buffer.getvalue())
    loaded.tag("pytest-mediaimage-test", "users")
    try:
        runtime = DockerRuntime(tmp_path)
        runtime.start(image, work=tmp_path).close()
        assert images(image) == ["pytest-mediaimage-test:users"]
        runtime.close()
        assert images(image) == ["pytest-mediaimage-test:users"]
    finally:
        docker_engine.images.remove("pytest-mediaimage-test:users")


@pytest.mark.docker
def test_two_runs_share_an_image(images, tmp_path):
    image = unique("shared")
    first, second = DockerRuntime(tmp_path / "1"), DockerRuntime(tmp_path / "2")
    first.start(image, work=tmp_path).close()
    second.start(image, work=tmp_path).close()
    assert len(images(image)) == 2
    first.close()
    container = second.start(image, work=tmp_path)
    assert container.run(["sh", "-c", "exit 5"]).exit_code == 5
    container.close()
    second.close()
    assert images(image) == []


@pytest.mark.docker
def test_archive_that_breaks_while_it_is_loaded(images, tmp_path):
    class Broken(TinyImage):
        def write_docker_archive(self, out: IO[bytes]) -> None:
            buffer = io.BytesIO()
            super().write_docker_archive(buffer)
            out.write(buffer.getvalue()[:-4000])
            raise CorruptImage("layer is broken")

    image = Broken(unique("broken").tree)
    runtime = DockerRuntime(tmp_path)
    with pytest.raises(CorruptImage, match="layer is broken"):
        runtime.start(image, work=tmp_path)
    runtime.close()
    assert images(image) == []


@pytest.mark.docker
def test_archive_that_the_engine_refuses(docker_engine, tmp_path):
    class Nonsense(TinyImage):
        def write_docker_archive(self, out: IO[bytes]) -> None:
            out.write(os.urandom(5 << 20))

    runtime = DockerRuntime(tmp_path)
    with pytest.raises(EnvironmentFault, match="failed to load tiny"):
        runtime.start(Nonsense(unique("nonsense").tree), work=tmp_path)
    runtime.close()
    assert not [thread for thread in threading.enumerate() if "_ArchiveWriter" in repr(thread)]


@pytest.mark.docker
def test_containers_are_removed_when_start_fails(docker_engine, tmp_path):
    runtime = DockerRuntime(tmp_path)
    image = TinyImage({**unique("start").tree, "etc/hosts": Directory()})  # where a file must be
    with pytest.raises(EngineUnavailable, match="failed to start a container of tiny"):
        runtime.start(image, work=tmp_path)
    left = docker_engine.api.containers(all=True, filters={"label": f"{LABEL}={runtime._run_id}"})
    runtime.close()
    assert left == []


@pytest.mark.docker
def test_container_that_is_gone(docker_engine, tmp_path):
    runtime = DockerRuntime(tmp_path)
    container = runtime.start(unique("gone"), work=tmp_path)
    docker_engine.containers.get(container._container.id).kill()
    with pytest.raises(EnvironmentFault, match="ended by itself: exit code 137"):
        container.run(["sh"])
    docker_engine.containers.get(container._container.id).remove(force=True)
    with pytest.raises(EnvironmentFault, match="ended by itself"):
        container.run(["sh"])
    container.close()
    runtime.close()


@pytest.mark.docker
def test_silence_longer_than_a_read_time_out(docker_engine, tmp_path):
    runtime = DockerRuntime(tmp_path)
    runtime._engine.client.api.timeout = 1
    container = runtime.start(unique("silent"), work=tmp_path)
    assert container.run(["sh", "-c", "sleep 2; echo spoken"]).stdout == "spoken\n"
    container.close()
    runtime.close()


class Lumping(socketserver.BaseRequestHandler):
    """Passes requests on to the engine, and its answers back late, so that what it sends in pieces comes at once."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.server.engine)  # type: ignore[attr-defined]
            threading.Thread(target=self._pass_on, args=(engine,), daemon=True).start()
            while data := engine.recv(1 << 16):
                time.sleep(0.3)
                with contextlib.suppress(BlockingIOError):
                    data += engine.recv(1 << 16, socket.MSG_DONTWAIT)
                self.request.sendall(data)

    def _pass_on(self, engine: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(1 << 16):
                engine.sendall(data)


@pytest.mark.docker
def test_output_that_comes_with_the_head_of_the_answer(docker_engine, monkeypatch, tmp_path):
    endpoint = connect().endpoint["host"]
    if not endpoint.startswith("unix://"):
        pytest.skip("the engine isn't at a socket")
    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "proxy"), Lumping) as proxy:
        proxy.engine = endpoint.removeprefix("unix://")  # type: ignore[attr-defined]
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/proxy")
        runtime = DockerRuntime(tmp_path)
        container = runtime.start(unique("lumped"), work=tmp_path)
        result = container.run(["sh", "-c", "echo out; echo err >&2"])
        container.close()
        runtime.close()
        proxy.shutdown()
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


@pytest.mark.docker
def test_healthcheck_and_volumes_leave_nothing(docker_engine, tmp_path):
    runtime = DockerRuntime(tmp_path)
    volumes = {volume.id for volume in docker_engine.volumes.list()}
    container = runtime.start(unique("volumes"), work=tmp_path)
    attributes = docker_engine.containers.get(container._container.id).attrs
    assert attributes["HostConfig"]["NetworkMode"] == "none"
    assert attributes["Config"]["Healthcheck"]["Test"] == ["NONE"]
    container.close()
    runtime.close()
    assert {volume.id for volume in docker_engine.volumes.list()} <= volumes


class TestNoEngine:
    """These need no engine, but docker-py."""

    def test_no_socket(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
        with pytest.raises(EngineUnavailable, match=r"none\.sock doesn't exist.*--media-runtime sandbox"):
            connect()

    def test_refused(self, monkeypatch, tmp_path):
        path = str(tmp_path / "dead.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(EngineUnavailable, match="connection refused"):
            connect()

    def test_not_an_engine(self, monkeypatch, tmp_path):
        path = str(tmp_path / "web.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
            thread = threading.Thread(target=self._answer, args=(server, answer), daemon=True)
            thread.start()
            with pytest.raises(EngineUnavailable, match="doesn't answer"):
                connect()

    def test_too_old_or_new(self, monkeypatch, tmp_path):
        path = str(tmp_path / "old.sock")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
            body = b'{"message":"client version 1.41 is too old. Minimum supported API version is 1.99"}'
            answer = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            answer += b"Connection: close\r\n\r\n" + body
            thread = threading.Thread(target=self._answer, args=(server, answer), daemon=True)
            thread.start()
            with pytest.raises(EngineUnavailable, match=r"another version.*1\.99.*pip install --upgrade docker"):
                connect()

    @staticmethod
    def _answer(server: socket.socket, answer: bytes) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    @pytest.mark.parametrize("host", ["nonsense", "ftp://x"])
    def test_nonsense_host(self, monkeypatch, host):
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(EngineUnavailable):
            connect()

    def test_context(self, monkeypatch, tmp_path):
        """The current context counts where DOCKER_HOST isn't set."""
        from hashlib import sha256

        meta = tmp_path / "contexts" / "meta" / sha256(b"mine").hexdigest() / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text('{"Name":"mine","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///nowhere/mine.sock"}}}')
        (tmp_path / "config.json").write_text('{"currentContext": "mine"}')
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        with pytest.raises(EngineUnavailable, match=r"/nowhere/mine\.sock doesn't exist"):
            connect()

    def test_full_engine(self):
        from docker.errors import DockerException

        error = fault("load tiny", DockerException("write /var/lib/docker/x: no space left on device"))
        assert isinstance(error, StorageFault)
        assert "docker system prune" in error.remedy


@pytest.mark.docker
def test_permission_denied(docker_engine):
    """As a user who isn't in the group docker."""
    program = (
        "from pytest_mediaimage.runtime.docker_engine import connect as c\ntry: c()\nexcept Exception as e: print(e)"
    )
    result = as_stranger("-c", program)
    assert "permission denied. Add yourself to the group docker" in result.stdout
    assert "--media-runtime sandbox" in result.stdout


@pytest.mark.docker
def test_tag_prefix_is_ours(docker_engine, tmp_path):
    """A container's run id makes a legal repository name."""
    runtime = DockerRuntime(tmp_path)
    runtime.start(unique("tag"), work=tmp_path).close()
    (tag,) = runtime._images._tags
    assert tag.startswith(f"{IMAGES}/{runtime._run_id}:")
    runtime.close()
