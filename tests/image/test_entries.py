"""Entries in columns: what goes in comes out, and can be searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.image.entries import DIRECTORY, FILE, SYMLINK, TYPES, Entries, Entry

paths = st.text(st.characters(exclude_characters="\0", exclude_categories=[]), max_size=40).filter(
    lambda text: (
        text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") == text
        if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
        else False
    )
)
entries = st.builds(
    Entry,
    path=paths,
    type=st.sampled_from(TYPES),
    size=st.integers(0, 2**60),
    mode=st.integers(0, 0o7777),
    uid=st.integers(-(2**63), 2**64),
    gid=st.integers(0, 2**32),
    mtime=st.integers(-(2**63) + 1, 2**63 - 1),
    link=paths,
)


def columns(items: list[Entry]) -> Entries:
    made = Entries()
    for number, entry in enumerate(items):
        made.append(entry, number)
    return made


@given(st.lists(entries, max_size=20))
def test_a_list_of_entries(items: list[Entry]) -> None:
    made = columns(items)
    assert list(made) == items
    assert len(made) == len(items)
    assert made == columns(items)
    for ordinal, entry in enumerate(items):
        assert made[ordinal] == made[ordinal - len(items)] == entry
        assert (made.path(ordinal), made.type(ordinal), made.link(ordinal)) == (entry.path, entry.type, entry.link)
        assert (made.length(ordinal), made.fingerprint(ordinal)) == (entry.size, ordinal)
        assert made.hold(entry.path)
    assert made[1:3] == items[1:3]
    assert made.total_length() == sum(entry.size for entry in items if entry.type == FILE)
    for kind in TYPES:
        assert list(made.of_type(kind)) == [n for n, entry in enumerate(items) if entry.type == kind]


def test_what_is_taken_out_is_a_copy() -> None:
    made = columns([Entry("a", FILE)])
    made[0].path = "b"
    assert made[0].path == "a"


def test_out_of_range() -> None:
    with pytest.raises(IndexError):
        columns([Entry("a", FILE)])[1]


def test_holds_whole_paths_only() -> None:
    made = columns([Entry("usr/bin/ffmpeg", FILE), Entry("usr", DIRECTORY), Entry("\udcff/🎬", SYMLINK, link="x")])
    held = [path for path in ("usr", "usr/bin", "ffmpeg", "usr/bin/ffmpeg", "\udcff/🎬", "x") if made.hold(path)]
    assert held == ["usr", "usr/bin/ffmpeg", "\udcff/🎬"]


def test_a_time_beyond_64_bits_is_the_last_of_them() -> None:
    made = columns([Entry("a", FILE, mtime=2**80), Entry("b", FILE, mtime=-(2**80))])
    assert [entry.mtime for entry in made] == [2**63 - 1, -(2**63) + 1]
