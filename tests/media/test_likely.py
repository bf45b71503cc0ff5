"""What was done to a picture is named where it is simple, and nothing is guessed where it isn't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.pictures.likely import likely


def _shifted(across: int, down: int) -> Callable[[Any], Any]:
    return lambda p: np.concatenate((np.roll(p[:216], (down, across), (0, 1)), p[216:]))


def _luma(scale: float, offset: float) -> Callable[[Any], Any]:
    def change(p: Any) -> Any:
        luma = np.clip(np.rint(p[:216] * scale + offset), 0, 255).astype(np.uint8)
        return np.concatenate((luma, p[216:]))

    return change


def _grey(p: Any) -> Any:
    return np.concatenate((p[:216], np.full_like(p[216:], 128)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_shifted(1, 0), "it is shifted by 1 pixel to the right"),
        (_shifted(-2, 0), "it is shifted by 2 pixels to the left"),
        (_shifted(0, -1), "it is shifted by 1 pixel up"),
        (_shifted(3, 1), "it is shifted by 3 pixels to the right and 1 pixel down"),
        (_luma(255 / 219, -16 * 255 / 219), "limited range was stretched to full range"),
        (_luma(219 / 255, 16), "full range was squeezed into limited range"),
        (_grey, "it has no colour, U and V are the same everywhere"),
    ],
)
def test_simple_changes_are_named(change: Callable[[Any], Any], told: str, source: Path, reencode: Any) -> None:
    assert likely(source, reencode(lambda pictures: map(change, pictures))) == [f"the picture is not as it was: {told}"]


@pytest.mark.parametrize("change", [lambda p: p, _luma(0.95, 5), _luma(1, 3)], ids=["none", "paler", "brighter"])
def test_nothing_is_guessed(change: Callable[[Any], Any], source: Path, reencode: Any) -> None:
    assert likely(source, reencode(lambda pictures: map(change, pictures))) == []


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ("colormatrix=bt709:bt601", "its colours were converted from BT.709's matrix to BT.601's"),
        ("colormatrix=bt601:bt709", "its colours were converted from BT.601's matrix to BT.709's"),
        ("scale=384:162,pad=384:216:0:27", "it was made smaller, with black bars above and below"),
        ("scale=288:216,pad=384:216:48:0", "it was made smaller, with black bars left and right"),
    ],
)
def test_what_a_filter_did_is_named(filters: str, told: str, source: Path, transcode: Any) -> None:
    assert likely(source, transcode("-vf", filters)) == [f"the picture is not as it was: {told}"]


def test_other_pictures_are_not_compared(source: Path) -> None:
    assert likely(source, samples.sample("part-1-256x144")) == []


def test_no_number_without_bars(transcode: Any, source: Path) -> None:
    assert likely(source, transcode("-vf", "noise=alls=100")) == []
