"""Runs images by a Docker engine, or what speaks its API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from docker.errors import DockerException
from docker.models.containers import Container
from docker.types import LogConfig
from requests.exceptions import RequestException

from ..engine.faults import engine_faults, fault
from ..errors import UsageError
from . import docker_files
from .base import Capability, RunnableImage
from .docker_container import DockerContainer
from .docker_engine import connect
from .docker_images import EngineImages
from .docker_probe import folder_archive, probe
from .elf import INIT, init_program
from .engine_http import LABEL
from .platforms import BINFMT, require_platform
from .rundir import RunDirectory, current, start_watchdog
from .users import resolve_user

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

    def start(self, image: RunnableImage, *, work: Path) -> DockerContainer:
        """Start a container, the image loaded if the engine lacks it; `work` isn't needed.

        Raises UsageError for a platform or user that doesn't fit, EnvironmentFault where it can't start.
        """
        require_platform(image.platform, self._engine.machine, binfmt=BINFMT if self._engine.is_local else None)
        container = self._create(self._images.hold(image), image)
        try:
            user = resolve_user(
                image.config.user,
                passwd=docker_files.read_text(container, "/etc/passwd", limit=_DATABASE_LIMIT),
                group=docker_files.read_text(container, "/etc/group", limit=_DATABASE_LIMIT),
            )
            with engine_faults(f"start a container of {image.name}"):
                container.put_archive("/", folder_archive(self._program))
                container.start()
            return DockerContainer(container, user)
        except BaseException:
            container.remove(force=True, v=True)
            raise

    def _create(self, identity: str, image: RunnableImage) -> Container:
        try:
            return self._engine.client.containers.create(
                identity,
                entrypoint=[INIT],
                command=[],
                network_mode="none",
                labels={LABEL: self._run_id},
                healthcheck={"test": ["NONE"]},
                log_config=LogConfig(type=LogConfig.types.NONE),
            )
        except (DockerException, RequestException) as error:
            if "Cannot mkdir" in str(error) and "not a directory" in str(error):
                raise UsageError(
                    f"the image's working directory {image.config.working_dir} isn't one", remedy="Mend its WORKDIR."
                ) from error
            raise fault(f"create a container of {image.name}", error) from error

    def close(self) -> None:
        """Remove the images that it loaded, and its run directory if it made one."""
        self._images.close()
        self._engine.client.close()
        if self._own_run is not None:
            self._own_run.close()
