"""Devices of the machine in a container: those that were asked for, no others, and a refusal with its reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tiny_images import File, shell_image

from pytest_mediaimage.runtime.base import Devices, DevicesRefused, Resources
from pytest_mediaimage.runtime.bubblewrap import command_line
from pytest_mediaimage.runtime.docker import DockerRuntime
from pytest_mediaimage.runtime.docker_devices import options, refusals

SPARE = ("/dev/fuse", "/dev/kvm", "/dev/loop-control", "/dev/hwrng", "/dev/net/tun")
USERS = {
    "etc/passwd": File(b"root:x:0:0::/:/bin/sh\nmedia:x:10001:10001::/:/bin/sh\n"),
    "etc/group": File(b"root:x:0:\n"),
}


@pytest.fixture
def node() -> str:
    for path in SPARE:
        if os.access(path, os.R_OK | os.W_OK):
            return path
    pytest.skip("this machine has no device node to spare")


def test_only_the_device_that_was_asked_for(runtime, tmp_path: Path, node: str) -> None:
    image = shell_image(USERS)
    for devices, wanted in ((Devices(nodes=(node,)), 0), (Devices(), 1)):
        container = runtime.start(image, work=tmp_path, resources=Resources(devices))
        try:
            assert container.run(["sh", "-c", f"[ -c {node} ]"]).exit_code == wanted
        finally:
            container.close()


def test_a_device_that_isn_t_there_is_refused(runtime, tmp_path: Path) -> None:
    with pytest.raises(DevicesRefused, match="/dev/dri/renderD999"):
        runtime.start(shell_image(USERS), work=tmp_path, resources=Resources(Devices(nodes=("/dev/dri/renderD999",))))


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="an NVIDIA card is here")
def test_nvidia_without_its_runtime_is_refused_with_what_to_do(runtime, tmp_path: Path) -> None:
    with pytest.raises(DevicesRefused, match=r"(?i)nvidia") as caught:
        runtime.start(shell_image(USERS), work=tmp_path, resources=Resources(Devices(nvidia=("compute", "video"))))
    assert "toolkit" in caught.value.remedy


def test_a_user_of_the_image_gets_the_node_s_group(runtime, tmp_path: Path, node: str) -> None:
    if runtime.name == "sandbox":
        pytest.skip("the sandbox keeps the groups of whoever runs pytest")
    devices = Devices(nodes=(node,), groups=(4242,))
    container = runtime.start(shell_image(USERS, user="media"), work=tmp_path, resources=Resources(devices))
    try:
        assert "4242" in container.run(["sh", "-c", "id -G"]).stdout.split()
    finally:
        container.close()


def test_the_sandbox_shows_sys_only_with_a_device() -> None:
    def line(*nodes: str) -> str:
        return " ".join(
            command_line(
                Path("bwrap"),
                lower=(Path("/r"),),
                scratch=None,
                uid=0,
                gid=0,
                hostname="h",
                info_descriptor=3,
                nodes=nodes,
            )
        )

    assert "--ro-bind /sys /sys" in line("/dev/x") and "--dev-bind /dev/x /dev/x" in line("/dev/x")
    assert "--ro-bind /sys /sys" not in line()


def test_what_docker_is_asked_for() -> None:
    asked = options(Devices(nodes=("/dev/x",), groups=(44,), nvidia=("compute", "video")), is_local=True)
    assert asked["devices"] == ["/dev/x:/dev/x:rwm"] and asked["group_add"] == ["44"]
    assert asked["device_requests"][0]["Capabilities"] == [["gpu", "compute", "video"]]
    assert asked["device_requests"][0]["Count"] == -1
    assert options(Devices(), is_local=False) == {}


def test_an_engine_elsewhere_has_other_devices() -> None:
    with pytest.raises(DevicesRefused, match="another machine"):
        options(Devices(nodes=("/dev/x",)), is_local=False)


def test_another_failure_of_the_engine_stays_what_it_is() -> None:
    from docker.errors import APIError

    with pytest.raises(APIError), refusals(Devices(nodes=("/dev/x",))):
        raise APIError("500", explanation="no space left on device")


@pytest.mark.docker
def test_a_container_without_a_device_isn_t_run_by_nvidia_s_runtime(docker_engine, tmp_path, node, monkeypatch) -> None:
    """That one hands all cards to an image which asks for them in its environment."""
    from docker import DockerClient
    from docker.models.containers import ContainerCollection

    asked: list[object] = []
    create = ContainerCollection.create

    def note(self: ContainerCollection, *args: object, **options: object) -> object:
        asked.append(options.get("runtime"))
        return create(self, *args, **options)

    image = shell_image(USERS)
    said = {"DefaultRuntime": "nvidia", "Runtimes": {"runc": {}, "nvidia": {}}}
    monkeypatch.setattr(ContainerCollection, "create", note)
    for info in (said, {**said, "DefaultRuntime": "crun"}, {**said, "Runtimes": {"nvidia": {}}}):
        monkeypatch.setattr(DockerClient, "info", lambda _, info=info: info)
        runtime = DockerRuntime(tmp_path / "cache")
        try:
            for devices in (Devices(), Devices(nodes=(node,))):
                runtime.start(image, work=tmp_path, resources=Resources(devices)).close()
        finally:
            runtime.close()
    assert asked == ["runc", None, None, None, None, None]
