from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_mediaimage.media.pictures.planes import PSNR_CAP, Plane, liken, liken_all, psnr_of, ssim_of

DEPTHS = pytest.mark.parametrize("bit_depth", [8, 10, 16])


def _random(shape: tuple[int, int], bit_depth: int, seed: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    values = np.random.default_rng(seed).integers(0, 1 << bit_depth, shape)
    return values.astype(np.uint8) if bit_depth <= 8 else values.astype(np.uint16)


def _ssim(a: NDArray[np.float64], b: NDArray[np.float64], peak: float) -> float:
    """By the definition, a window at a time, variances and covariance over 63."""
    values = []
    for top in range(0, a.shape[0] // 4 * 4 - 4, 4):
        for left in range(0, a.shape[1] // 4 * 4 - 4, 4):
            x, y = (plane[top : top + 8, left : left + 8].ravel() for plane in (a, b))
            c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
            covariance = np.cov(x, y)
            means = 2 * x.mean() * y.mean() + c1, x.mean() ** 2 + y.mean() ** 2 + c1
            values.append(means[0] / means[1] * (2 * covariance[0, 1] + c2) / (np.trace(covariance) + c2))
    return float(np.mean(values))


@DEPTHS
@given(height=st.integers(8, 33), width=st.integers(8, 33), seed=st.integers(0, 1000), noise=st.integers(0, 255))
def test_planes_are_likened_as_the_definitions_say(
    bit_depth: int, height: int, width: int, seed: int, noise: int
) -> None:
    a = _random((height, width), bit_depth, seed)
    b = np.where(_random((height, width), 8, seed + 1) < noise, _random((height, width), bit_depth, seed + 2), a)
    found = liken(Plane(a, bit_depth), Plane(b, bit_depth))
    x, y = a.astype(np.float64), b.astype(np.float64)
    assert found.psnr == pytest.approx(psnr_of(float(((x - y) ** 2).mean()), bit_depth))
    assert found.bias == pytest.approx((y - x).mean() / (1 << (bit_depth - 8)), abs=1e-9)
    assert found.ssim == pytest.approx(_ssim(x, y, float((1 << bit_depth) - 1)))
    windows = {
        (left, top): float(((x - y)[top : top + 8, left : left + 8] ** 2).mean())
        for top in range(0, height // 4 * 4 - 4, 4)
        for left in range(0, width // 4 * 4 - 4, 4)
    }
    assert found.block[0] == pytest.approx(psnr_of(max(windows.values()), bit_depth))
    assert windows[found.block[1:]] == pytest.approx(max(windows.values()))


@DEPTHS
@pytest.mark.parametrize("ssim", [True, False])
@pytest.mark.parametrize(("height", "width"), [(7, 30), (46, 81), (120, 200)])
def test_planes_taken_together_are_likened_as_alone(bit_depth: int, ssim: bool, height: int, width: int) -> None:
    a = [_random((height, width), bit_depth, seed) for seed in range(9)]
    b = [
        np.where(_random((height, width), 8, seed) < 9 * seed, other, one)
        for seed, (one, other) in enumerate(zip(a, a[1:] + a[:1], strict=True))
    ]
    known = [Plane(plane, bit_depth) for plane in a]
    for _ in range(2):  # the second time some sums are known
        together = liken_all(known, [Plane(plane, bit_depth) for plane in b], ssim=ssim)
        alone = [liken(Plane(x, bit_depth), Plane(y, bit_depth), ssim=ssim) for x, y in zip(a, b, strict=True)]
        for one, other in zip(together, alone, strict=True):
            assert (one.psnr, one.bias, one.block) == (other.psnr, other.bias, other.block)
            assert one.ssim == (None if other.ssim is None else pytest.approx(other.ssim))


@DEPTHS
def test_extremes_do_not_overflow(bit_depth: int) -> None:
    dark = np.zeros((64, 64), np.uint8 if bit_depth <= 8 else np.uint16)
    bright = dark + ((1 << bit_depth) - 1)
    bright = bright.astype(dark.dtype)
    for a, b, sign in ((dark, bright, 1), (bright, dark, -1)):
        found = liken(Plane(a, bit_depth), Plane(b, bit_depth))
        assert found.psnr == found.block[0] == 0
        assert found.bias == sign * ((1 << bit_depth) - 1) / (1 << (bit_depth - 8))
        assert found.ssim is not None and found.ssim < 0.001


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_the_worst_block(bit_depth: int) -> None:
    plane = np.full((54, 97), 100, np.uint16)
    spoilt = plane.copy()
    spoilt[20:28, 40:48] += 10 << (bit_depth - 8)
    spoilt[0, 0] += 2
    known = Plane(plane, bit_depth)
    assert liken(known, Plane(plane, bit_depth)).block == (PSNR_CAP, 0, 0)
    assert liken(known, Plane(spoilt, bit_depth)).block[1:] == (40, 20)
    assert liken(known, Plane(spoilt, bit_depth)).block[0] == pytest.approx(28.13, abs=0.06)
    assert liken(Plane(plane[:4], bit_depth), Plane(spoilt[:4], bit_depth)).block == (PSNR_CAP, 0, 0)


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_psnr_by_hand(bit_depth: int) -> None:
    assert psnr_of(0, bit_depth) == 100
    assert psnr_of(((1 << bit_depth) - 1) ** 2, bit_depth) == 0


def test_small_planes() -> None:
    plane = np.zeros((4, 4), np.uint8)
    assert ssim_of(plane, plane) == 1.0
    assert ssim_of(plane, plane + 1) == 0.0


def test_a_part_beyond_whole_cells_counts_in_psnr_and_bias() -> None:
    plane = np.full((9, 11), 50, np.uint8)
    other = plane.copy()
    other[8, 10] = 149
    found = liken(Plane(plane), Plane(other), ssim=False)
    assert found.bias == 1
    assert found.psnr == psnr_of(99.0)
    assert found.ssim is None and found.block[0] == PSNR_CAP
