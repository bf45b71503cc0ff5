"""Threads that work ahead: everything comes in order, and they end with whoever asked for them."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator

import pytest

from pytest_mediaimage.image.pipeline import BLOCK, Ahead, Hasher, quick_switching


def numbers(count: int, made: list[int] | None = None) -> Iterator[bytes]:
    for number in range(count):
        if made is not None:
            made.append(number)
        yield b"%d" % number * (BLOCK if number else 1)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread.name


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_every_block_in_order(count: int) -> None:
    ahead = Ahead(numbers(count))
    assert list(ahead) == list(numbers(count))
    assert next(ahead, None) is None


def test_only_a_few_ahead() -> None:
    made: list[int] = []
    ahead = Ahead(numbers(1000, made))
    for _ in range(10):
        next(ahead)
    assert len(made) < 20
    ahead.close()
    assert len(made) < 20
    assert next(ahead, None) is None


@pytest.mark.parametrize("at", [0, 1, 5])
def test_an_exception_comes_where_its_block_would(at: int) -> None:
    def failing() -> Iterator[bytes]:
        yield from numbers(at)
        raise ValueError("here")

    ahead = Ahead(failing())
    got = []
    with pytest.raises(ValueError, match="here"):
        for block in ahead:
            got.append(block)
    assert got == list(numbers(at))


def test_closing_wakes_who_waits() -> None:
    """A reader that waits for a source that says nothing ends when another thread closes."""
    silent, waiting = threading.Event(), threading.Event()

    def stalled() -> Iterator[bytes]:
        yield from numbers(2)
        waiting.set()
        silent.wait(10)

    ahead = Ahead(stalled())
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.extend(ahead))
    reader.start()
    waiting.wait(10)
    ahead.close()
    reader.join(5)
    assert not reader.is_alive()
    assert set(got) <= set(numbers(2))
    silent.set()


@pytest.mark.parametrize("lengths", [[], [0], [5], [BLOCK], [BLOCK, 1], [BLOCK] * 9 + [3]])
def test_a_hash_of_all_blocks(lengths: list[int]) -> None:
    blocks = [bytes([n % 256]) * length for n, length in enumerate(lengths)]
    hasher = Hasher("sha256")
    for block in blocks:
        hasher.update(block)
    expected = f"sha256:{hashlib.sha256(b''.join(blocks)).hexdigest()}"
    assert hasher.digest() == hasher.digest() == expected


def test_a_hash_that_nobody_asks_for_ends() -> None:
    hasher = Hasher("sha512")
    for _ in range(5):
        hasher.update(bytes(BLOCK))
    hasher.close()
    hasher.close()


def test_switching_is_as_before_afterwards() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(KeyError), quick_switching():
        assert sys.getswitchinterval() < before
        raise KeyError
    assert sys.getswitchinterval() == before
