"""What the fixtures give to a team's own tests: the image, a container, transcodes and golden values."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

from .checks.context import Context
from .checks.transcode.cards import Absent
from .checks.transcode.recipes_on_cards import OnCards, lender, look_at_path
from .checks.transcode.running import Job, Transcoded, transcode
from .checks.transcode.sampling import sample_file
from .errors import MediaImageError
from .result import Result, Skip, Status

if TYPE_CHECKING:
    import testinfra.host

    from .checks.subject import Subject
    from .image.config import Config
    from .image.digest import Digest, Platform
    from .image.image import FileEntry
    from .image.layer import Layer
    from .runtime.base import CommandResult, Container
    from .session import MediaSession


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _told_at_the_call(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """What goes wrong in `function` is shown at the line of the test that called it: its words tell all there is."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except (AssertionError, FileNotFoundError, IsADirectoryError, MediaImageError, Skip) as error:
            raise error.with_traceback(None) from None

    return call


class ImageUnderTest:
    """The image as it lies in its source: nothing here starts it. Sizes are in bytes."""

    def __init__(self, subject: Subject, session: MediaSession) -> None:
        self._subject = subject
        self._session = session
        image = subject.image
        self.reference: str = subject.label
        self.digest: Digest = image.digest
        self.platform: Platform = image.platform
        self.config: Config = image.config
        self.labels: Mapping[str, str] = image.labels
        self.layers: Sequence[Layer] = image.layers

    @property
    def compressed_size(self) -> int | None:
        """What a pull transfers; None where the source keeps no compressed layers, as most engines."""
        return self._subject.image.compressed_size

    @property
    def unpacked_size(self) -> int:
        """File contents of all layers together."""
        return self._subject.image.unpacked_size

    @property
    def flattened_size(self) -> int:
        """File contents that a container sees."""
        return self._subject.image.flattened_size

    @property
    def files(self) -> list[FileEntry]:
        """Every visible path, sorted: `path, size, mode, uid, gid, layer, type`."""
        return self._subject.image.files

    @_told_at_the_call
    def open(self, path: str) -> IO[bytes]:
        """The content of a file, links followed inside the image. Raises FileNotFoundError, IsADirectoryError."""
        return self._subject.image.open(path)

    @_told_at_the_call
    def check(self, check: str, **settings: Any) -> Result:
        """Run a check with settings of your own, as in `check("size.compressed", max="180MB")`.

        Returns the Result with its measured value. Raises AssertionError with the findings where it fails, Skip
        where it can't be measured, UsageError for an unknown check or setting, and the fault where it broke.
        """
        found, result = self._session.run_with(check, self._subject, settings)
        if result.status is Status.FAILED:
            raise AssertionError(self._session.failure_text(found, result, self._subject))
        if result.status is Status.SKIPPED:
            raise Skip(result.reason)
        if result.fault is not None:
            raise result.fault
        return result


class ContainerUnderTest:
    """A running container without network, as the image's user. Paths in it are absolute."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._host: testinfra.host.Host | None = None

    @_told_at_the_call
    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
    ) -> CommandResult:
        """Run a command and wait; see `CommandResult`. Raises CommandTimeout after `timeout` seconds."""
        return self._container.run(argv, timeout=timeout, env=env, working_dir=working_dir)

    @_told_at_the_call
    def copy_in(self, source: Path | str, target: str) -> None:
        """Copy a file into the container."""
        self._container.copy_in(Path(source), target)

    @_told_at_the_call
    def copy_out(self, source: str, target: Path | str) -> None:
        """Copy a file out of the container. Raises FileNotFoundError."""
        self._container.copy_out(source, Path(target))

    @property
    @_told_at_the_call
    def host(self) -> testinfra.host.Host:
        """A testinfra host. Where the image has no shell a static busybox of this machine serves; else Skip."""
        if self._host is None:
            from .runtime.host import testinfra_host

            self._host = testinfra_host(self._container)
        return self._host


class Transcoder:
    """Runs transcodes in the image: call it with a recipe."""

    def __init__(self, subject: Subject, session: MediaSession, folder: Path) -> None:
        self._subject = subject
        self._context = Context(subject, session.policy)
        self._lend = lender(self._context)
        self._folder = folder
        self._count = itertools.count(1)

    @_told_at_the_call
    def __call__(
        self,
        recipe: Any,
        *,
        sample: str | Path | None = None,
        suffix: str = ".mp4",
        path: str = "cpu",
        timeout: float = 120,
    ) -> Transcoded:
        """Run `recipe` on a file or a bundled clip (by name; a default one where none is given), fetch the output.

        `recipe` is an argv list or an ffmpeg-python output stream in which `{input}` and `{output}` stand for the
        files, and on a hardware `path` (`nvenc`, `nvdec`, `vaapi`, `qsv`, `vulkan`, or one of the policy's own)
        `{device}` for the device node. There a software encoder becomes the path's, or the input is decoded on the
        device (see `media.hardware.fitting`), the container is given the device, and it is proven that it did the work.

        Raises TranscodeFailed where the command fails, or ran in software; CommandTimeout after `timeout` seconds;
        Skip where the image has no ffmpeg, or this machine not the hardware (AssertionError where --media-hardware
        names the path); UsageError for a path that nobody knows, or that this recipe can't be put on.
        """
        from .checks.transcode.cases import PATHS
        from .media.cases import DEFAULT_SAMPLE

        if path not in PATHS:
            look_at_path(path, self._context)
        program = self._subject.ffmpeg_to_run()
        cache = self._subject.bench.cache
        source = sample if isinstance(sample, Path) else sample_file(sample or DEFAULT_SAMPLE, cache)
        folder = self._folder / str(next(self._count))
        folder.mkdir()
        job = Job(recipe, source, (f"output{suffix}",), timeout=timeout)
        if path not in PATHS:
            return self._on_hardware(path, program, job, folder)
        architecture = self._subject.image.platform.architecture
        return transcode(self._subject.container(), program, job, folder, path=path, architecture=architecture)

    def _on_hardware(self, path: str, program: str, job: Job, folder: Path) -> Transcoded:
        context = replace(self._context, hardware_path=path)
        try:
            return OnCards(context, path, program, self._lend).run(job, folder)
        except Absent as reason:
            if path in self._subject.bench.hardware:
                raise AssertionError(f"--media-hardware asks for {path}, but {reason}") from None
            raise Skip(str(reason)) from None


class GoldenValues:
    """Compares transcodes with values that were right once: `golden/NAME.json` beside the policy."""

    def __init__(self, subject: Subject) -> None:
        self._goldens = subject.bench.goldens

    @_told_at_the_call
    def check(self, result: Transcoded, name: str) -> str:
        """Hold `result` against the golden values `name`; with --media-update-golden write them instead.

        Returns `exact`, `tolerance` or `written`. Raises AssertionError where they differ or there are none.
        """
        return self._goldens.check(name, result)
