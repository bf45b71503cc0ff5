"""What is begun before its turn: never more than there are cores, and never lost."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from pytest_mediaimage.checks.transcode.ahead import MOST, Ahead, _quota


class Made:
    """An outcome that knows whether it was thrown away."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.discarded = threading.Event()

    def discard(self) -> None:
        self.discarded.set()


class Work:
    """Makes outcomes once it is let, and counts how many are being made."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.threads: dict[str, str] = {}
        self.made: dict[str, Made] = {}
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._gates: dict[str, threading.Event] = {}
        self._started: dict[str, threading.Event] = {}

    def job(self, name: str, *, error: Exception | None = None, held: bool = False):
        gate, started = (events.setdefault(name, threading.Event()) for events in (self._gates, self._started))
        if not held:
            gate.set()

        def make() -> Made:
            with self._lock:
                self.begun.append(name)
                self.threads[name] = threading.current_thread().name
                self._now += 1
                self.most = max(self.most, self._now)
            started.set()
            assert gate.wait(20)
            with self._lock:
                self._now -= 1
            if error:
                raise error
            return self.made.setdefault(name, Made(name))

        return make

    def let(self, name: str) -> None:
        self._gates[name].set()

    def wait_for(self, name: str) -> None:
        assert self._started[name].wait(20)


@pytest.fixture
def work() -> Work:
    return Work()


def test_the_next_is_made_while_this_one_is_looked_at(work: Work) -> None:
    ahead = Ahead(2)
    ahead.expect({"b": work.job("b"), "c": work.job("c")})
    assert ahead.take("a", work.job("a")).name == "a"
    work.wait_for("b")
    assert ahead.take("b", work.job("again")).name == "b"
    assert ahead.take("c", work.job("c")).name == "c"
    assert work.threads["a"] == "MainThread" and work.threads["b"] == "mediaimage-ahead"
    assert "again" not in work.begun and work.begun.count("c") == 1


def test_with_one_core_each_waits_for_its_turn(work: Work) -> None:
    ahead = Ahead(1)
    assert ahead.depth == 0
    ahead.expect({"a": work.job("a"), "b": work.job("b")})
    assert work.begun == []
    assert ahead.take("a", work.job("a")).name == "a"
    assert work.begun == ["a"] and work.threads["a"] == "MainThread"


def test_who_waits_gives_a_core_away(work: Work) -> None:
    ahead = Ahead(2)
    ahead.expect({"a": work.job("a", held=True), "b": work.job("b")})
    work.wait_for("a")
    assert work.begun == ["a"]  # the other core is the judge's
    taken: list[Made] = []
    thread = threading.Thread(target=lambda: taken.append(ahead.take("a", work.job("a"))))
    thread.start()
    work.wait_for("b")
    work.let("a")
    thread.join()
    assert taken[0].name == "a"


def test_never_more_than_there_are_cores(work: Work) -> None:
    chance = random.Random(5)
    names = [f"job {number}" for number in range(60)]
    for cores in (2, 3, 4, 9):
        ahead = Ahead(cores)
        for at, name in enumerate(names):
            following = names[at + 1 : at + 1 + ahead.depth]
            ahead.expect({key: work.job(key) for key in following if chance.random() < 0.9}, now=name)
            ahead.take(name, work.job(name))
        ahead.idle()
        assert work.most <= min(cores, MOST)


def test_each_is_made_once(work: Work) -> None:
    names = [f"job {number}" for number in range(20)]
    ahead = Ahead(3)
    for at, name in enumerate(names):
        ahead.expect({key: work.job(key) for key in names[at + 1 : at + 4]}, now=name)
        ahead.take(name, work.job(name))
    assert sorted(work.begun) == sorted(names)
    assert work.threads[names[0]] == "MainThread" and work.threads[names[1]] == "mediaimage-ahead"


def test_what_an_encode_raised_is_raised_by_who_takes_it(work: Work) -> None:
    ahead = Ahead(2)
    error = ValueError("broken")
    ahead.expect({"a": work.job("a", error=error)})
    work.wait_for("a")
    with pytest.raises(ValueError, match="broken") as caught:
        ahead.take("a", work.job("a"))
    assert caught.value is error
    assert ahead.take("a", work.job("again")).name == "again"


@pytest.mark.parametrize("ended", [True, False], ids=["made already", "being made"])
def test_what_nobody_takes_is_removed(work: Work, ended: bool) -> None:
    ahead = Ahead(2)
    ahead.expect({"a": work.job("a", held=not ended)})
    work.wait_for("a")
    if ended:
        with ahead._changed:
            assert ahead._changed.wait_for(lambda: not ahead._running, 20)
    ahead.expect({})
    work.let("a")
    ahead.idle()
    assert work.made["a"].discarded.is_set()


def test_idle_waits_for_what_runs_and_begins_nothing(work: Work) -> None:
    ahead = Ahead(2)
    ahead.expect({"a": work.job("a", held=True), "b": work.job("b")})
    work.wait_for("a")
    idle = threading.Thread(target=ahead.idle)
    idle.start()
    idle.join(0.1)
    assert idle.is_alive()
    work.let("a")
    idle.join(20)
    assert not idle.is_alive() and work.begun == ["a"]


def test_after_the_end_nothing_begins(work: Work) -> None:
    ahead = Ahead(4)
    ahead.expect({"a": work.job("a", held=True)})
    work.wait_for("a")
    ahead.close()
    ahead.close()
    ahead.expect({"b": work.job("b")})
    work.let("a")
    ahead.join()
    assert work.begun == ["a"] and work.made["a"].discarded.is_set()


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000"}, 1),
        ({"cpu.max": "300000 100000"}, 3),
        ({"cpu.max": "50000 100000"}, 0),
        ({"cpu.max": "max 100000"}, MOST),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, MOST),
        ({"cpu.max": ""}, MOST),
        ({}, MOST),
    ],
)
def test_a_quota_counts(files: dict[str, str], cores: int, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert _quota(tmp_path) == cores
