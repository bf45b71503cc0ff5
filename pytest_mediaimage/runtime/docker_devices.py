"""How a Docker engine is asked for devices, and how it says no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from docker import DockerClient
from docker.errors import APIError
from docker.types import DeviceRequest

from ..engine.faults import engine_faults
from .base import Devices, DevicesRefused

# moby, daemon/devices.go (errors.New of handleDevice), daemon/oci_linux.go and libcontainer's device package; the
# second line is what the hook of the NVIDIA container toolkit ends with.
_REFUSED = re.compile(
    r"could not select device driver|error gathering device information|CDI device injection failed|unresolvable CDI"
    r"|nvidia-container-cli|nvidia-container-runtime"
)


def options(devices: Devices, *, is_local: bool) -> dict[str, Any]:
    """Arguments of docker-py's `create`. Raises DevicesRefused where the engine isn't this machine's."""
    if devices == Devices():
        return {}
    if not is_local:
        raise DevicesRefused(
            "the engine runs on another machine, whose devices can't be seen from here",
            remedy="Run pytest on the machine that has the hardware.",
        )
    asked: dict[str, Any] = {}
    if devices.nodes:
        asked["devices"] = [f"{node}:{node}:rwm" for node in devices.nodes]
    if devices.groups:
        asked["group_add"] = [str(group) for group in devices.groups]
    if devices.nvidia:
        asked["device_requests"] = [DeviceRequest(count=-1, capabilities=[["gpu", *devices.nvidia]])]
    return asked


def without_gpu(client: DockerClient) -> dict[str, Any]:
    """Arguments of `create` by which an image that asks for GPUs in its environment gets none.

    Where NVIDIA's runtime is the engine's default, as on Jetson, that environment is all it takes.
    """
    with engine_faults("tell its default runtime"):
        said = client.info()
    is_nvidia = str(said.get("DefaultRuntime", "")).startswith("nvidia")
    return {"runtime": "runc"} if is_nvidia and "runc" in said.get("Runtimes", {}) else {}


@contextmanager
def refusals(devices: Devices) -> Iterator[None]:
    """An engine's refusal of these devices becomes DevicesRefused."""
    try:
        yield
    except APIError as error:
        words = str(error.explanation or error)
        if devices == Devices() or not _REFUSED.search(words):
            raise
        remedy = "Look at the engine's log."
        if devices.nvidia:
            remedy = (
                "Install nvidia-container-toolkit, run `nvidia-ctk runtime configure --runtime=docker`, restart it."
            )
        raise DevicesRefused(f"the engine can't give the container its devices: {words}", remedy=remedy) from error
