"""One transcode in an image: the command goes in, the output comes out. The checks and the fixture both use it."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import JudgeError, MediaImageError
from ...runtime.base import FOLDER
from ..last_words import last_words
from .serving import Served
from .watching import Tell, Watcher, WroteTooMuch, with_progress, without_progress

if TYPE_CHECKING:
    from ...media.hardware.counters import GpuUse
    from ...media.hardware.origin import Origin
    from ...media.made import Made
    from ...media.pictures.compare import Comparison
    from ...media.probing import MediaInfo, StreamInfo
    from ...media.recipe import Recipe
    from ...runtime.base import CommandResult, Container


class TranscodeFailed(MediaImageError):
    """The command failed, or left no output: the image's fault. `evidence` is the same each time it happens, `command`
    what ran."""

    def __init__(self, message: str, *, evidence: str, remedy: str, command: CommandResult) -> None:
        super().__init__(message, remedy=remedy)
        self.evidence = evidence
        self.command = command


@dataclass(eq=False)
class Transcoded:
    """The result of a transcode.

    `made` holds source and outputs, files on this side; `command` is what ran (its `duration` is in seconds), `recipe`
    the sha256 of the command with its placeholders, `by_hand` how to repeat it, `device` the node of the hardware that
    did it, `origin` what its pictures depend on, `gpu` what the hardware did meanwhile. What is measured is measured by
    PyAV, not by the image.
    """

    made: Made
    command: CommandResult
    recipe: str
    path: str
    architecture: str
    device: str = ""
    by_hand: str = ""
    origin: Origin | None = None
    gpu: GpuUse | None = None

    @property
    def source(self) -> Path:
        return self.made.source

    @property
    def output(self) -> Path:
        return self.made.path()

    @property
    def info(self) -> MediaInfo:
        """Format, duration and streams of the output."""
        return self.made.info()

    @property
    def streams(self) -> tuple[StreamInfo, ...]:
        return self.info.streams

    @property
    def comparison(self) -> Comparison:
        """Each output frame against its source frame, aligned by the number in the frame where there is one."""
        return self.made.comparison(ssim=True, hashes=True)

    @property
    def frames(self) -> int:
        """Decoded video frames."""
        return self.comparison.output_frames

    @property
    def frames_per_second(self) -> float:
        """Frames divided by the seconds that the command took, its start included."""
        return self.frames / self.command.duration

    @property
    def frame_hashes(self) -> list[str]:
        """sha256 of each decoded frame, as `ffmpeg -f framehash -hash sha256` gives it."""
        return self.comparison.hashes

    @property
    def metrics(self) -> dict[str, float]:
        """`psnr_y_mean`, `psnr_y_min`, `psnr_y_p5`, `ssim_y_mean`, ...: dB and 0-1, for the planes y, u, v."""
        return self.comparison.metrics()

    @property
    def psnr(self) -> dict[str, float]:
        """Mean PSNR in dB by plane: `y`, `u`, `v`. Raises JudgeError where size or pixel format aren't the source's."""
        return self._plane("psnr")

    @property
    def ssim(self) -> dict[str, float]:
        """Mean SSIM, 0 to 1, by plane: `y`, `u`, `v`. Raises as `psnr`."""
        return self._plane("ssim")

    def _plane(self, metric: str) -> dict[str, float]:
        comparison = self.comparison
        if comparison.uncompared and not comparison.scores:
            raise JudgeError(f"there is no {metric}: {comparison.uncompared}")
        return {plane: self.metrics[key] for plane in "yuv" if (key := f"{metric}_{plane}_mean") in self.metrics}


@dataclass(frozen=True, slots=True)
class Job:
    """What is run: a recipe (see `media.recipe.argv_of`) on a source.

    `outputs` are the names of the files that it writes, the main one first; `extras` further files to bring in, and
    `texts` files to write, by the names that the recipe gives them. `timeout` is in seconds. `nonce` is what each frame
    must carry, where it isn't the source's own. `fails` says that the command is meant to fail, or may. `env` is set
    over the image's own. `device` is the node of the hardware that the recipe names, `counted` the backend by whose
    counters its work is looked at (see `media.hardware.counters`). `server` runs beside it (see `media.case.Case`).
    `tell` is told how far the encode is, where it can be seen.
    """

    recipe: Any
    source: Path
    outputs: tuple[str, ...] = ("output.mp4",)
    extras: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    nonce: int | None = None
    fails: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    counted: str = ""
    server: Recipe | None = None
    tell: Tell | None = None


def _run(container: Container, program: str, argv: Sequence[str], job: Job, inside: str) -> CommandResult:
    from ...runtime.base import CommandResult

    # In the folder itself nothing was written but what we brought in; where only the whole container is seen, that
    # holds what ran before too.
    watcher = Watcher(container, f"{inside}/output", job.tell, container.written(f"{inside}/output"))
    started = time.monotonic()
    try:
        result = container.run(
            with_progress(argv, program) if job.tell else argv, timeout=job.timeout, env=job.env, watch=watcher
        )
    except WroteTooMuch as error:
        raise TranscodeFailed(
            f"{argv[0]} wrote without end: {error.message}",
            evidence="endless output",
            remedy=_by_hand(argv, job, inside),
            command=CommandResult(tuple(argv), 137, "", error.message, time.monotonic() - started),
        ) from None
    if not job.tell:
        return result
    return replace(result, argv=tuple(argv), stdout=without_progress(result.stdout))


def _by_hand(argv: Sequence[str], job: Job, inside: str) -> str:
    """How to repeat it: our place in the container is gone by then, so the files to bring are told."""
    command = shlex.join(argv).replace(f"{inside}/output/", "").replace(f"{inside}/", "")
    files = {f"input{job.source.suffix}": job.source}
    files |= {f"extra-{name}{file.suffix}": file for name, file in job.extras.items()}
    brought = ", ".join(f"{file} as {name}" for name, file in files.items())
    return f"Run it by hand, in a container with {brought}: {command}"


def transcode(
    container: Container, program: str, job: Job, folder: Path, *, path: str = "cpu", architecture: str = "amd64"
) -> Transcoded:
    """Run the job in the container and fetch what it wrote to `folder`, which is empty.

    Raises TranscodeFailed, CommandTimeout, EnvironmentFault, or UsageError for a wrong recipe.
    """
    from ...media.made import Made
    from ...media.recipe import argv_of, fill, values_of
    from ...media.streaming.playlists import MAX_NAMES, beside
    from ...media.streaming.reading import names_in

    # No image has this folder, so nothing of its own is shadowed. A new place in it each time: an output that an
    # earlier transcode left must not be taken for this one's.
    inside = f"{FOLDER}/{secrets.token_hex(4)}"
    source, target = f"{inside}/input{job.source.suffix}", f"{inside}/output/{job.outputs[0]}"
    extras = {name: f"{inside}/extra-{name}{file.suffix}" for name, file in job.extras.items()}
    extras |= {name: f"{inside}/{name}" for name in job.texts}
    argv = argv_of(job.recipe, program, source, target, extras)
    values = values_of(program, source, target, extras)
    container.copy_in(job.source, source)
    for name, file in job.extras.items():
        container.copy_in(file, extras[name])
    # The first of them makes the directory that the outputs go to.
    for name, text in {"": "", **job.texts}.items():
        note = folder / ".text"
        note.write_text(fill(text, values), encoding="utf-8")
        container.copy_in(note, extras.get(name, f"{inside}/output/.made"))
        note.unlink()
    told = ""
    if job.server is None:
        with _counting(job, inside) as use:
            result = _run(container, program, argv, job, inside)
    else:
        use = None
        served = Served(container, [fill(word, values) for word in job.server.argv], job.timeout)
        result = served.answer(lambda: _run(container, program, argv, job, inside))
        told = served.words()
    if result.exit_code and not job.fails:
        words = last_words(result.stderr, 500) + told
        raise TranscodeFailed(
            f"{argv[0]} ended with exit code {result.exit_code}: {words or 'it said nothing'}",
            evidence="exit code",
            remedy=_by_hand(argv, job, inside),
            command=result,
        )
    outputs: dict[str, Path] = {}
    wanted = list(job.outputs)
    for name in wanted:
        try:
            if (folder / name).is_dir():
                raise IsADirectoryError(name)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            container.copy_out(f"{inside}/output/{name}", folder / name)
        except OSError as error:
            if name not in job.outputs:
                continue  # a playlist names it; its rule tells what that means
            if job.fails and isinstance(error, FileNotFoundError):
                continue
            if not isinstance(error, FileNotFoundError):
                raise TranscodeFailed(
                    f"{argv[0]} wrote something as {name} that is no output: {error.strerror or error}",
                    evidence="odd output",
                    remedy=_by_hand(argv, job, inside),
                    command=result,
                ) from None
            raise TranscodeFailed(
                f"{argv[0]} ended with exit code 0 and wrote no {name if len(wanted) > 1 else 'output'}",
                evidence="no output",
                remedy="Look for a wrapper that hides ffmpeg's exit code.",
                command=result,
            ) from None
        outputs[name] = folder / name
        named = [beside(name, other) for other in names_in(folder / name)]
        wanted += [other for other in named if other not in wanted][: MAX_NAMES - len(wanted)]
    log = f"{result.stderr}\n{result.stdout}"
    made = Made(job.source, outputs, job.nonce, log, result.exit_code, job.extras)
    by_hand = _by_hand(argv, job, inside)
    return Transcoded(made, result, _recipe(job).sha256, path, architecture, job.device, by_hand, gpu=use)


def _counting(job: Job, inside: str) -> AbstractContextManager[GpuUse | None]:
    """The folder of the transcode stands in its command line, and in no other."""
    if not job.counted:
        return nullcontext()
    from ...media.hardware.counters import counting

    return counting(inside, job.counted, job.device)


def _recipe(job: Job) -> Recipe:
    """What golden values are kept by: the same on whichever node of this machine, or of another one."""
    from ...media.recipe import Recipe, recipe_of

    recipe = recipe_of(job.recipe)
    return Recipe(tuple(word.replace(job.device, "{device}") for word in recipe.argv)) if job.device else recipe
