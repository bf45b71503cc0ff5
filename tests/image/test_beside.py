from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from image_helpers import make_image

from pytest_mediaimage.errors import StorageFault
from pytest_mediaimage.image.beside import beside
from pytest_mediaimage.image.build import Item
from pytest_mediaimage.image.entries import Entry
from pytest_mediaimage.image.scan import Analyser

FactsOf = Callable[[list[Item], Analyser], Mapping[str, Any]]


class _Slow:
    """Tells of each file beside the reading, what `work` says of its content."""

    name = "slow"
    version = 1

    def __init__(self, work: Callable[[bytes], Any]) -> None:
        self._work = work

    def watch(self, entry: Entry, head: bytes) -> _Watcher:
        return _Watcher(self._work)


class _Watcher:
    def __init__(self, work: Callable[[bytes], Any]) -> None:
        self._work = work
        self._content = b""

    def feed(self, chunk: bytes) -> None:
        self._content += chunk

    def finish(self) -> Future[Any]:
        return beside(lambda: self._work(self._content))


FILES = [Item(name, name.encode()) for name in ("a", "b", "c")]


@pytest.fixture
def facts_of(tmp_path: Path) -> FactsOf:
    """What an analyser finds in the files of a layer."""

    def read(files: list[Item], analyser: Analyser) -> Mapping[str, Any]:
        return make_image(tmp_path / "image", [files], analysers=[analyser]).layer_facts[0].found

    return read


def test_facts_told_beside_the_reading_are_those_of_their_files(facts_of: FactsOf) -> None:
    assert facts_of(FILES, _Slow(bytes.decode)) == {"slow": {0: "a", 1: "b", 2: "c"}}


def test_the_reading_goes_on_while_a_fact_is_worked_out(facts_of: FactsOf) -> None:
    last_file_is_read = threading.Event()

    class Slow(_Slow):
        def watch(self, entry: Entry, head: bytes) -> _Watcher:
            if entry.path == "c":
                last_file_is_read.set()
            return super().watch(entry, head)

    slow = Slow(lambda content: last_file_is_read.wait(30))
    assert facts_of(FILES, slow) == {"slow": {0: True, 1: True, 2: True}}


def test_nothing_to_say_leaves_no_trace(facts_of: FactsOf) -> None:
    assert facts_of(FILES, _Slow(lambda content: None)) == {}


def test_a_fault_beside_the_reading_is_the_readings_fault(facts_of: FactsOf) -> None:
    def work(content: bytes) -> None:
        if content == b"b":
            raise StorageFault("the disk is full")

    with pytest.raises(StorageFault, match="the disk is full"):
        facts_of(FILES, _Slow(work))


def test_many_wait_for_their_turn_and_none_is_lost(facts_of: FactsOf) -> None:
    files = [Item(str(number), b"x") for number in range(200)]
    assert len(facts_of(files, _Slow(lambda content: 1))["slow"]) == 200
