"""What one run owns: its cache, its scratch directory, its runtime, and whatever it started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EnvironmentFault
from ..image.cache import FACTS_LIMIT, FactsCache, default_cache_directory, prepare_cache_directory
from ..image.sources import Opening
from ..runtime.base import PLAIN
from .analysers import ANALYSERS
from .transcode.ahead import Ahead
from .transcode.goldens import Goldens

__all__ = ["FACTS_LIMIT", "Workbench", "default_cache_directory"]

if TYPE_CHECKING:
    from ..runtime.base import Container, Process, Resources, RunnableImage, Runtime
    from ..runtime.rundir import RunDirectory
    from ..sbom.vulnerabilities import Report
    from .transcode.keeping import Keep
    from .transcode.watching import Progress


@dataclass(eq=False)
class Workbench:
    """Made once per process.

    `static` forbids to start anything; `runtime_name` is the user's choice, and `prefer_docker` decides where that
    is `auto`: an image that lies in the engine starts fastest there. `hardware` are the paths that must be there,
    `vulnerabilities` is the report that was given. `cores` is how many the process may keep busy. `tell` is told how
    far encodes are, by the image and the id of the check. `keep` is where what failed transcodes made is kept.
    """

    cache: Path
    runtime_name: str
    static: bool
    golden_folder: Path
    update_golden: bool = False
    prefer_docker: bool = False
    hardware: frozenset[str] = frozenset()
    cores: int = 1
    vulnerabilities: Report | None = None
    keep: Keep | None = None
    tell: Callable[[tuple[object, str], Progress], None] | None = None
    _run: RunDirectory | None = None
    _runtime: Runtime | None = None
    _runtime_fault: EnvironmentFault | None = None
    _containers: list[Container | Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = prepare_cache_directory(self.cache)
        self.ahead = Ahead(self.cores)
        self.goldens = Goldens(self.golden_folder, self.update_golden)

    @property
    def opening(self) -> Opening:
        return Opening(self.cache, ANALYSERS, keep_blobs=not self.static)

    @property
    def facts(self) -> FactsCache:
        """What is known of layers."""
        return FactsCache(self.cache, ANALYSERS)

    def prune_cache(self) -> None:
        """Remove what was used least recently, where the cache passes its limits."""
        self.facts.prune()

    def reap(self) -> Sequence[str]:
        """Remove what killed runs left behind; a line for each thing removed."""
        from ..runtime.rundir import reap

        return reap(self.cache)

    @property
    def run(self) -> RunDirectory:
        """The run's own directory, removed at the end, or by the watchdog where the run is killed."""
        if self._run is None:
            from ..runtime.rundir import RunDirectory, start_watchdog

            self._run = RunDirectory(self.cache)
            start_watchdog(self._run)
        return self._run

    @property
    def work(self) -> Path:
        return self.run.path

    @property
    def runtime(self) -> Runtime:
        """The runtime of this run, chosen when first asked for. Raises EnvironmentFault, the same one each time."""
        if self._runtime_fault is not None:
            raise self._runtime_fault
        if self._runtime is None:
            from ..runtime import choose

            _ = self.run  # what a runtime makes is labelled with the run, so that a killed one can be cleaned up
            try:
                self._runtime = choose(self.runtime_name, cache=self.cache, prefer_docker=self.prefer_docker)
            except EnvironmentFault as fault:
                self._runtime_fault = fault
                raise
        return self._runtime

    def start(self, image: RunnableImage, resources: Resources = PLAIN) -> Container:
        """A container that lives until the end of the run at most."""
        container = self.runtime.start(image, work=self.work, resources=resources)
        self._containers.append(container)
        return container

    def start_command(
        self, image: RunnableImage, argv: Sequence[str], files: Mapping[str, Path], resources: Resources = PLAIN
    ) -> Process:
        """A command as a container's process 1; it lives until the end of the run at most."""
        process = self.runtime.start_command(image, argv, work=self.work, files=files, resources=resources)
        self._containers.append(process)
        return process

    def _close_containers(self) -> None:
        while self._containers:
            self._containers.pop().close()

    def close(self) -> None:
        """Stop and remove everything that the run made. May be called twice."""
        self.ahead.close()
        self._close_containers()
        self.ahead.join()
        self._close_containers()  # what was being started meanwhile
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None
        if self._run is not None:
            self._run.close()
            self._run = None
