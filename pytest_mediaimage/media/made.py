"""What a transcode made, measured by the judge when a rule first asks for it, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import JudgeError
from . import probing
from .pictures.compare import Comparison, compare
from .pictures.references import probe_source
from .pictures.views import View


@dataclass(eq=False)
class Made:
    """`outputs` are files by the names that the case gives them, the main one first; all lie below one folder.

    `nonce` is what every frame must carry, where it isn't the source's own; `log` what the command printed, stderr
    first, `exit_code` what it ended with. `extras` are further inputs by the names that the case gives them.
    `metrics` is what rules measured: dB for `psnr_*` and `audio_level`, seconds for `duration` and `audio_offset`,
    8-bit steps for `bias_*`; a metric of another than the main output begins with that one's name and a colon.
    """

    source: Path
    outputs: dict[str, Path]
    nonce: int | None = None
    log: str = ""
    exit_code: int = 0
    extras: Mapping[str, Path] = field(default_factory=dict)
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    _infos: dict[Path, probing.MediaInfo] = field(default_factory=dict)
    _comparisons: dict[tuple[Path, View | None], Comparison] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Path, output: Path, *, nonce: int | None = None) -> Made:
        """A source and one output."""
        return cls(source, {output.name: output}, nonce)

    @property
    def main(self) -> str:
        return next(iter(self.outputs))

    def path(self, name: str = "") -> Path:
        """The file of this name, or the main output. Raises JudgeError where the transcode didn't write it."""
        path = self.outputs.get(name or self.main)
        if path is None:
            raise JudgeError(f"there is no {name}")
        return path

    @cached_property
    def original(self) -> probing.MediaInfo:
        """The source's streams. Raises JudgeError."""
        return probe_source(self.source)

    def info(self, name: str = "") -> probing.MediaInfo:
        """An output's streams. Raises JudgeError."""
        path = self.path(name)
        if path not in self._infos:
            self._infos[path] = probing.probe(path)
        return self._infos[path]

    def comparison(
        self, name: str = "", view: View | None = None, *, ssim: bool = False, hashes: bool = False
    ) -> Comparison:
        """An output's frames beside the source's, with their SSIM and their hashes where these are asked for.

        Raises JudgeError where there are none.
        """
        path = self.path(name)
        found = self._comparisons.get((path, view))
        if found is not None:
            lacks_ssim = ssim and bool(found.scores) and not found.scores[0].ssim
            if not lacks_ssim and not (hashes and found.output_frames and not found.hashes):
                return found
            ssim, hashes = ssim or bool(found.scores and found.scores[0].ssim), hashes or bool(found.hashes)
        found = compare(self.source, path, nonce=self.nonce, view=view, ssim=ssim, hashes=hashes)
        self._comparisons[path, view] = found
        return found

    def label(self, name: str = "") -> str:
        """How messages begin that are about one output of several."""
        return f"{name}: " if name and len(self.outputs) > 1 else ""
