from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.media import barcode
from pytest_mediaimage.media.barcode import Mark

numbers = st.integers(0, 4095)
nonces = st.integers(0, (1 << 24) - 1)


@given(numbers, nonces, st.integers(64, 700), st.integers(48, 400))
def test_read_back_at_any_size(number: int, nonce: int, width: int, height: int) -> None:
    luma = np.full((height, width), 128, np.uint8)
    barcode.draw(luma, number, nonce)
    assert barcode.read(luma) == Mark(number, nonce)


@given(numbers, nonces, st.integers(0, 2**32 - 1))
def test_noise_of_40_steps_does_no_harm(number: int, nonce: int, seed: int) -> None:
    luma = np.full((180, 320), 128, np.uint8)
    barcode.draw(luma, number, nonce)
    noise = np.random.default_rng(seed).normal(0, 40, luma.shape)
    assert barcode.read(np.clip(luma + noise, 0, 255).astype(np.uint8)) == Mark(number, nonce)


@given(numbers, nonces)
def test_ten_bits(number: int, nonce: int) -> None:
    luma = np.full((180, 320), 128, np.uint8)
    barcode.draw(luma, number, nonce)
    assert barcode.read(luma.astype(np.uint16) * 4, bit_depth=10) == Mark(number, nonce)


@given(numbers, nonces)
def test_a_brighter_and_flatter_picture_still_reads(number: int, nonce: int) -> None:
    luma = np.full((180, 320), 128, np.uint8)
    barcode.draw(luma, number, nonce)
    assert barcode.read((luma // 2 + 100).astype(np.uint8)) == Mark(number, nonce)


@given(numbers, nonces, st.integers(0, 47))
def test_a_flipped_block_is_noticed(number: int, nonce: int, block: int) -> None:
    luma = np.full((180, 320), 128, np.uint8)
    barcode.draw(luma, number, nonce)
    line, column = divmod(block, 16)
    top, left = 7 + 15 * line, 20 * column
    luma[top : top + 15, left : left + 20] = 252 - luma[top + 7, left + 10]
    assert barcode.read(luma) is None


@pytest.mark.parametrize("value", [0, 16, 128, 235, 255])
def test_a_flat_picture_has_no_mark(value: int) -> None:
    assert barcode.read(np.full((180, 320), value, np.uint8)) is None


def test_neither_all_dark_nor_all_bright_blocks_are_a_mark() -> None:
    luma = np.full((180, 320), 255, np.uint8)
    barcode.draw(luma, 0, 0)
    assert barcode.read(luma) == Mark(0, 0)
    luma[:60] = 0
    assert barcode.read(luma) is None


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1))
def test_noise_has_no_mark(seed: int) -> None:
    assert barcode.read(np.random.default_rng(seed).integers(0, 256, (180, 320), np.uint8)) is None


def test_random_blocks_rarely_pass_the_checksums() -> None:
    generator = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        blocks = generator.integers(0, 2, (3, 16), np.uint8) * 200 + 20
        luma = np.full((180, 320), 20, np.uint8)
        luma[7:52] = np.repeat(np.repeat(blocks, 15, axis=0), 20, axis=1)
        hits += barcode.read(luma) is not None
    assert hits <= 5  # 12 bits of checksum: half a hit is expected


@pytest.mark.parametrize(
    ("number", "nonce", "shape"), [(4096, 0, (180, 320)), (0, 1 << 24, (180, 320)), (0, 0, (40, 320))]
)
def test_what_does_not_fit_is_refused(number: int, nonce: int, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"beyond|too small"):
        barcode.draw(np.zeros(shape, np.uint8), number, nonce)


@pytest.mark.parametrize("crf", [23, 45])
def test_survives_x264(tmp_path: Path, crf: int) -> None:
    path = tmp_path / "coded.mp4"
    generator = np.random.default_rng(3)
    wanted = [Mark(int(generator.integers(4096)), int(generator.integers(1 << 24))) for _ in range(40)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for mark in wanted:
            picture = generator.integers(90, 160, (270, 320), np.uint8)
            barcode.draw(picture[:180], *mark)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        out.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert [barcode.read(frame.to_ndarray()[:180]) for frame in container.decode(video=0)] == wanted
