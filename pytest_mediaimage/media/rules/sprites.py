"""Sprite sheets: small pictures side by side, which a player's seek bar shows by their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import JudgeError
from .. import barcode, judge
from ..case import Problem, Threshold
from ..judge import Frame
from ..made import Made
from ..pictures.identity import named
from ..pictures.planes import ssim_of
from ..pictures.references import source_frames
from ..pictures.scaling import scaled

_FIX = "Check the filters fps, scale and tile, and that no sheet is left over from before."


@dataclass(frozen=True, slots=True)
class Sprites:
    """The case's outputs are sheets of `columns` x `rows` tiles, `width` x `height` pixels each, read line by line.

    Tile after tile shows the source's frame of that number, scaled down, over all sheets; tiles beyond the last are
    black. `thresholds`: lower limit for `tile_ssim`, upper limit of the magnitude for `tile_bias` (8-bit steps, each
    plane).
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": ("tile_ssim", "tile_bias")}

    columns: int
    rows: int
    width: int
    height: int
    frames: tuple[int, ...]
    thresholds: Mapping[str, Threshold]

    def judge(self, made: Made) -> Iterator[Problem]:
        tiles: list[list[NDArray[Any]]] = []
        full_range = False
        for name in made.outputs:
            sheet = _first(made.path(name))
            size = (self.columns * self.width, self.rows * self.height)
            if (sheet.width, sheet.height) != size:
                yield Problem(
                    f"{name} has {sheet.width}x{sheet.height} pixels; {self.columns}x{self.rows} tiles of "
                    f"{self.width}x{self.height} make {size[0]}x{size[1]}",
                    "sheet size",
                    _FIX,
                )
                return
            if sheet.pix_fmt != "yuv420p":
                raise JudgeError(f"{name}: tiles of {sheet.pix_fmt} aren't compared")
            video = made.info(name).video
            full_range = video is not None and video.color_range == "pc"
            tiles += self._tiles(sheet)
        filled = [index for index, tile in enumerate(tiles) if float(tile[0].std()) > 2]
        if len(filled) != len(self.frames) or filled != list(range(len(filled))):
            yield Problem(f"there are {len(filled)} tiles, {len(self.frames)} were expected", "tile count", _FIX)
        yield from self._shown(made, [tiles[index] for index in filled], full_range)

    def _tiles(self, sheet: Frame) -> Iterator[list[NDArray[Any]]]:
        for row in range(self.rows):
            for column in range(self.columns):
                yield [
                    plane[
                        row * self.height // half : (row + 1) * self.height // half,
                        column * self.width // half : (column + 1) * self.width // half,
                    ]
                    for plane, half in zip(sheet.planes, (1, 2, 2), strict=True)
                ]

    def _shown(self, made: Made, tiles: list[list[NDArray[Any]]], full_range: bool) -> Iterator[Problem]:
        marks = [barcode.read(tile[0]) for tile in tiles]
        nonce = _nonce(made)
        wrong = []
        for at, (mark, number) in enumerate(zip(marks, self.frames, strict=False)):
            if mark is None:
                wrong.append(f"tile {at} carries no readable number, frame {number} was expected")
            elif mark.nonce != nonce:
                wrong.append(f"tile {at} is of another clip")
            elif mark.number != number:
                wrong.append(f"tile {at} shows frame {mark.number}, frame {number} was expected")
        if wrong:
            more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
            yield Problem(wrong[0] + more, "wrong tile", _FIX)
        places = {number: index for index, number in enumerate(self.frames[: len(tiles)])}
        ssims: dict[int, float] = {}
        biases: list[list[float]] = []
        for frame in source_frames(made.source):
            index = places.get(frame.index)
            mark = None if index is None else marks[index]
            if index is None or mark is None or mark.number != frame.index:
                continue
            wanted = scaled(frame, self.width, self.height, full_range=full_range)
            ssims[index] = ssim_of(wanted.samples(0), tiles[index][0])
            pairs = zip(tiles[index], wanted.planes, strict=True)
            biases.append([float(a.mean(dtype=np.float64) - b.mean(dtype=np.float64)) for a, b in pairs])
        yield from self._like(made, ssims, biases)

    def _like(self, made: Made, ssims: dict[int, float], biases: list[list[float]]) -> Iterator[Problem]:
        if not ssims:
            return
        worst = max(np.abs(np.array(biases)).max(axis=0).tolist())
        made.metrics |= {"tile_ssim": round(min(ssims.values()), 4), "tile_bias": round(worst, 2)}
        low, limit = self.thresholds.get("tile_ssim"), self.thresholds.get("tile_bias")
        if low and (bad := [index for index, value in ssims.items() if value < low.limit]):
            yield Problem(
                f"{named(bad).replace('frame', 'tile')} isn't like the source scaled down: "
                f"SSIM {min(ssims.values()):.3f}, below {low.limit:g}",
                "tile quality",
                "Check the scaler and the picture's quality (-q:v).",
            )
        for plane, values in zip("YUV", np.array(biases).T, strict=False):
            value = float(values[np.abs(values).argmax()])
            if limit and abs(value) > limit.limit:
                yield Problem(
                    f"plane {plane} of a tile is shifted by {value:+.1f} of 255 on average",
                    f"tile bias {plane}",
                    "Check colour range and matrix: JPEG has full range, PNG is RGB.",
                )


def _first(path: Path) -> Frame:
    frame = next(judge.frames(path), None)
    if frame is None:
        raise JudgeError(f"{path} has no picture")
    return frame


def _nonce(made: Made) -> int:
    if made.nonce is not None:
        return made.nonce
    mark = barcode.read(_first(made.source).samples(0))
    return mark.nonce if mark is not None else 0
