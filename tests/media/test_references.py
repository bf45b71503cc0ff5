from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import judge, samples
from pytest_mediaimage.media.kept import Kept
from pytest_mediaimage.media.pictures import references
from pytest_mediaimage.media.pictures.resizing import Resized


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_kept", Kept(32 << 20))
    monkeypatch.setattr(references, "_outputs", Kept(8 << 20))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose frames were decoded."""
    asked: list[Path] = []
    real = judge.frames

    def frames(path: Path) -> Iterator[judge.Frame]:
        asked.append(path)
        return real(path)

    monkeypatch.setattr(judge, "frames", frames)
    return asked


def test_a_sample_is_decoded_once_for_all_views(decoded: list[Path]) -> None:
    path = samples.sample("tracks-256x144")
    first = list(references.references(path))
    small = list(references.references(path, Resized(128, 72)))
    assert [item.frame.index for item in first] == list(range(96)) == [item.frame.index for item in small]
    assert [item.mark for item in first] == [item.mark for item in small]
    assert small[0].frame.width == 128
    assert list(references.references(path)) == first and list(references.references(path, Resized(128, 72))) == small
    assert decoded == [path]


def test_a_view_of_the_same_size_shows_the_frames_themselves() -> None:
    path = samples.sample("tracks-256x144")
    assert list(references.references(path)) == list(references.references(path, Resized(256, 144)))


def test_a_file_that_changed_is_decoded_again(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    shutil.copy(samples.sample("tracks-256x144"), path)
    assert next(iter(list(references.references(path)))).frame.width == 256
    shutil.copy(samples.sample("bars-384x216"), path)
    assert next(iter(list(references.references(path)))).frame.width == 384
    path.unlink()
    with pytest.raises(JudgeError, match="No such file"):
        next(references.references(path))


def test_what_was_not_read_to_its_end_is_read_on(decoded: list[Path]) -> None:
    path = samples.sample("tracks-256x144")
    first = next(references.references(path))
    all_of_them = list(references.references(path))
    assert len(all_of_them) == 96 and all_of_them[0] is first
    assert decoded == [path]


def test_long_clips_pass_without_being_held(monkeypatch: pytest.MonkeyPatch, decoded: list[Path]) -> None:
    monkeypatch.setattr(references, "_kept", Kept(1 << 20))
    path = samples.sample("tracks-256x144")
    halfway = references.references(path)
    began = [next(halfway), next(halfway)]
    whole = list(references.references(path))
    assert references._kept.get((references._key(path), None)) is None
    read = began + list(halfway)
    assert [item.frame.index for item in read] == [item.frame.index for item in whole] == list(range(96))
    assert [item.mark for item in read] == [item.mark for item in whole]
    assert len(decoded) == 2


def test_a_frame_that_cannot_be_decoded_ends_it_for_all_readers(tmp_path: Path, decoded: list[Path]) -> None:
    data = bytearray(samples.sample("tracks-256x144").read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path = tmp_path / "spoilt.mp4"
    path.write_bytes(data)
    counts, messages = [], []
    for _ in range(2):
        count = 0
        with pytest.raises(JudgeError) as raised:
            for _ in references.shown(path):
                count += 1
        counts.append(count)
        messages.append(raised.value.message)
    assert counts[0] == counts[1] > 0 and messages[0] == messages[1]
    assert decoded == [path]


def test_what_an_interrupt_ended_is_not_taken_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    path = samples.sample("tracks-256x144")
    real, interrupts = judge.frames, [True]

    def frames(path: Path) -> Iterator[judge.Frame]:
        for frame in real(path):
            if frame.index == 3 and interrupts:
                interrupts.clear()
                raise KeyboardInterrupt
            yield frame

    monkeypatch.setattr(judge, "frames", frames)
    with pytest.raises(KeyboardInterrupt):
        list(references.references(path))
    assert len(list(references.references(path))) == 96


def test_what_was_used_longest_ago_goes_first() -> None:
    kept: Kept[str] = Kept(10)
    for name in "abc":
        kept.put(name, name, 3)
    assert kept.get("a") == "a"
    kept.put("d", "d", 3)
    assert [kept.get(name) for name in "abcd"] == ["a", None, "c", "d"]
    kept.grow("d", kept.get("d") or "", 1)
    assert [kept.get(name) for name in "acd"] == ["a", "c", "d"]
    kept.grow("a", "another", 9)
    kept.drop("a", "another")
    assert kept.get("a") == "a"
    kept.grow("d", kept.get("d") or "", 1)
    assert [kept.get(name) for name in "acd"] == ["a", None, "d"]
    kept.put("huge", "huge", 11)
    assert kept.get("huge") is None and kept.get("d") == "d"
