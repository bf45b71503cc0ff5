"""One transcode in an image: the command goes in, the output comes out. The checks and the fixture both use it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MediaImageError

if TYPE_CHECKING:
    from ..media.compare import Comparison
    from ..media.judge import MediaInfo, StreamInfo
    from ..runtime.base import CommandResult, Container

# A directory that no image has, so that nothing of the image's is shadowed or mixed in.
_INSIDE = "/.pytest-mediaimage"


class TranscodeFailed(MediaImageError):
    """The command failed, or left no output: the image's fault. `evidence` is the same each time it happens."""

    def __init__(self, message: str, *, evidence: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.evidence = evidence


@dataclass(eq=False)
class Transcoded:
    """The result of a transcode.

    `source` and `output` are files on this side, `command` what ran (its `duration` is in seconds), `recipe` the
    sha256 of the command with its placeholders. What is measured is measured by PyAV, not by the image.
    """

    source: Path
    output: Path
    command: CommandResult
    recipe: str
    path: str
    architecture: str

    @cached_property
    def info(self) -> MediaInfo:
        """Format, duration and streams of the output."""
        from ..media.judge import probe

        return probe(self.output)

    @property
    def streams(self) -> tuple[StreamInfo, ...]:
        return self.info.streams

    @cached_property
    def comparison(self) -> Comparison:
        """Each output frame against its source frame, aligned by the number in the frame where there is one."""
        from ..media.compare import compare

        return compare(self.source, self.output)

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
        """Mean PSNR in dB by plane: `y`, `u`, `v`."""
        return self._plane("psnr")

    @property
    def ssim(self) -> dict[str, float]:
        """Mean SSIM, 0 to 1, by plane: `y`, `u`, `v`."""
        return self._plane("ssim")

    def _plane(self, metric: str) -> dict[str, float]:
        return {plane: self.metrics[key] for plane in "yuv" if (key := f"{metric}_{plane}_mean") in self.metrics}


def transcode(
    container: Container,
    program: str,
    recipe: Any,
    source: Path,
    output: Path,
    *,
    timeout: float,
    path: str = "cpu",
    architecture: str = "amd64",
) -> Transcoded:
    """Run `recipe` on `source` in the container and fetch what it wrote to `output`.

    `recipe` is a `media.cases.Recipe`, an argv list or an ffmpeg-python stream with the placeholders `{input}` and
    `{output}`. Raises TranscodeFailed, CommandTimeout, EnvironmentFault, or UsageError for a wrong recipe.
    """
    from ..media.cases import argv_of, recipe_of

    # A new place each time: an output that an earlier transcode left must not be taken for this one's.
    folder = f"{_INSIDE}/{secrets.token_hex(4)}"
    inside, target = f"{folder}/input{source.suffix}", f"{folder}/output{output.suffix}"
    container.copy_in(source, inside)
    argv = argv_of(recipe, program, inside, target)
    result = container.run(argv, timeout=timeout)
    if result.exit_code:
        words = " ".join(result.stderr.strip().splitlines()[-3:])[-500:]
        raise TranscodeFailed(
            f"{argv[0]} ended with exit code {result.exit_code}: {words or 'it said nothing'}",
            evidence="exit code",
            remedy=f"Run it by hand: {' '.join(argv)}",
        )
    try:
        container.copy_out(target, output)
    except FileNotFoundError:
        raise TranscodeFailed(
            f"{argv[0]} ended with exit code 0 and wrote no output",
            evidence="no output",
            remedy="Look for a wrapper that hides ffmpeg's exit code.",
        ) from None
    return Transcoded(source, output, result, recipe_of(recipe).sha256, path, architecture)
