"""Runs images by a Docker engine, or what speaks its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException
from docker.models.containers import Container
from docker.types import LogConfig
from requests.exceptions import RequestException

from ..engine.faults import engine_faults, fault
from ..errors import UsageError
from . import docker_devices, docker_files
from .base import FOLDER, NOBODY, PLAIN, Capability, Devices, NotStarted, Resources, RunnableImage
from .docker_container import DockerContainer
from .docker_engine import connect
from .docker_images import EngineImages
from .docker_probe import folder_archive, probe
from .docker_process import DockerProcess, is_refusal
from .elf import INIT, init_program
from .engine_http import LABEL
from .platforms import BINFMT, require_platform
from .rundir import RunDirectory, current, start_watchdog
from .users import User, resolve_user

_DATABASE_LIMIT = 1 << 20
"""Bytes of /etc/passwd and /etc/group that are read."""


class DockerRuntime:
    """Starts containers in the engine that `DOCKER_HOST` or the current Docker context names.

    They carry the label `io.github.pytest-mediaimage.run` with the id of this process's RunDirectory in
    `cache`; where there is none yet, one with a watchdog is made. Raises EngineUnavailable.
    """

    name = "docker"

    def __init__(self, cache: Path) -> None:
        self._engine = connect()
        self.version = self._engine.version
        self._program = init_program(self._engine.machine)
        self._capabilities: dict[str, Capability] | None = None
        self._without_gpu: dict[str, Any] | None = None
        self._own_run: RunDirectory | None = None
        run = current(cache)
        if run is None:
            run = self._own_run = RunDirectory(cache)
            start_watchdog(run)
        run.note_engine(self._engine.endpoint)
        self._run_id = run.run_id
        self._images = EngineImages(self._engine.client, run.run_id)

    def capabilities(self) -> Mapping[str, Capability]:
        """As Runtime.capabilities; probed at the first call, by four short-lived containers (about 2 s)."""
        if self._capabilities is None:
            self._capabilities = probe(self._engine.client, self._run_id, self._program)
        return self._capabilities

    def start(self, image: RunnableImage, *, work: Path, resources: Resources = PLAIN) -> DockerContainer:
        """Start a container, the image loaded if the engine lacks it; `work` isn't needed.

        Raises UsageError for a platform or user that doesn't fit, EnvironmentFault where it can't start.
        """
        require_platform(image.platform, self._engine.machine, binfmt=BINFMT if self._engine.is_local else None)
        container = self._create(image, [INIT], LogConfig.types.NONE, resources)
        try:
            user = self._user(container, image, resources)
            with engine_faults(f"start a container of {image.name}"):
                # In a root that is read-only the package's folder is a volume, with which alone the engine takes files.
                place = FOLDER if resources.hardened else "/"
                container.put_archive(place, folder_archive(self._program, root=place))
                with docker_devices.refusals(resources.devices):
                    container.start()
            return DockerContainer(container, user)
        except BaseException:
            container.remove(force=True, v=True)
            raise

    def start_command(
        self,
        image: RunnableImage,
        argv: Sequence[str],
        *,
        work: Path,
        files: Mapping[str, Path],
        resources: Resources = PLAIN,
    ) -> DockerProcess:
        """As Runtime.start_command; `work` isn't needed."""
        require_platform(image.platform, self._engine.machine, binfmt=BINFMT if self._engine.is_local else None)
        container = self._create(image, argv, LogConfig.types.JSON, resources)
        try:
            user = self._user(container, image, resources)
            with engine_faults(f"start a container of {image.name}"):
                container.put_archive("/", folder_archive(self._program))
            for target, source in files.items():
                docker_files.copy_in(container, source, target, user)
            try:
                with docker_devices.refusals(resources.devices):
                    container.start()
            except APIError as error:
                if is_refusal(error):
                    raise NotStarted(f"{argv[0]!r} can't be started: {error.explanation}") from error
                raise fault(f"start a container of {image.name}", error) from error
            return DockerProcess(container, is_local=self._engine.is_local)
        except BaseException:
            container.remove(force=True, v=True)
            raise

    @staticmethod
    def _user(container: Container, image: RunnableImage, resources: Resources) -> User:
        return resolve_user(
            f"{NOBODY}:{NOBODY}" if resources.hardened else image.config.user,
            passwd=docker_files.read_text(container, "/etc/passwd", limit=_DATABASE_LIMIT),
            group=docker_files.read_text(container, "/etc/group", limit=_DATABASE_LIMIT),
        )

    def _create(self, image: RunnableImage, argv: Sequence[str], logs: str, resources: Resources) -> Container:
        devices = self._devices(resources.devices)
        try:
            return self._engine.client.containers.create(
                self._images.hold(image),
                entrypoint=list(argv[:1]),
                command=list(argv[1:]),
                network_mode="none",
                labels={LABEL: self._run_id},
                healthcheck={"test": ["NONE"]},
                log_config=LogConfig(type=logs, config={} if logs == LogConfig.types.NONE else {"max-size": "1m"}),
                **devices,
                **_limits(resources),
            )
        except (DockerException, RequestException) as error:
            if "Cannot mkdir" in str(error) and "not a directory" in str(error):
                raise UsageError(
                    f"the image's working directory {image.config.working_dir} isn't one", remedy="Mend its WORKDIR."
                ) from error
            raise fault(f"create a container of {image.name}", error) from error

    def _devices(self, devices: Devices) -> dict[str, Any]:
        """Arguments of `create`. A container that is given any device keeps the engine's default runtime, which may be
        what brings a device's libraries in."""
        if devices != Devices():
            return docker_devices.options(devices, is_local=self._engine.is_local)
        if self._without_gpu is None:
            self._without_gpu = docker_devices.without_gpu(self._engine.client)
        return self._without_gpu

    def close(self) -> None:
        """Remove the images that it loaded, and its run directory if it made one."""
        self._images.close()
        self._engine.client.close()
        if self._own_run is not None:
            self._own_run.close()


def _limits(resources: Resources) -> dict[str, Any]:
    """Arguments of docker-py's `create`."""
    asked: dict[str, Any] = {}
    if resources.memory is not None:
        asked |= {"mem_limit": resources.memory, "memswap_limit": resources.memory}
    if resources.cpus is not None:
        asked["nano_cpus"] = round(resources.cpus * 1e9)
    tmpfs = {path: f"size={length},mode=1777" for path, length in resources.tmpfs.items()}
    if resources.hardened:
        tmpfs["/tmp"] = "mode=1777"
        asked |= {
            "read_only": True,
            "user": f"{NOBODY}:{NOBODY}",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "volumes": [FOLDER],
        }
    return {**asked, "tmpfs": tmpfs} if tmpfs else asked
