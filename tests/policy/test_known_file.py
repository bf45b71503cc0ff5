"""The file of known findings: every mistake with its line, and what writing it keeps."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.policy import image_name
from pytest_mediaimage.policy.known import Known, KnownFile, parse_known, read_known
from pytest_mediaimage.policy.known_text import HEADER, updated_text

FILE = Path("mediaimage-known.yaml")
CHECKS = frozenset(["config.user", "contents.media"])
DAY = datetime.date(2030, 1, 31)
ENTRY = """\
    - check: config.user
      fingerprint: "{fingerprint}"
      owner: ann
      reason: it steps down
      until: 2030-01-31
"""
GOOD = f"version: 1\nimages:\n  org/ffmpeg:\n{ENTRY.format(fingerprint='0123456789abcdef')}"


def parse(text: str | bytes) -> KnownFile:
    return parse_known(text if isinstance(text, bytes) else text.encode(), FILE, known_checks=CHECKS)


def test_an_entry() -> None:
    entry = parse(GOOD).images["org/ffmpeg"]["0123456789abcdef"]
    assert entry == Known("config.user", "0123456789abcdef", "ann", "it steps down", DAY)
    assert entry.line == 4
    assert not entry.expired(DAY) and entry.expired(DAY + datetime.timedelta(days=1))


# name: (text, line, words)
MISTAKES: dict[str, tuple[str, int, str]] = {
    "list": ("- a\n", 1, "a file of known findings must be a mapping"),
    "unknown-key": ("version: 1\nimage: {}\n", 2, "unknown key 'image'; did you mean 'images'?"),
    "version": ("version: 2\n", 1, "version: 2 isn't known"),
    "no-version": ("images: {}\n", 1, "version is missing"),
    "images-list": ("version: 1\nimages: []\n", 2, "images must be a mapping"),
    "entries-mapping": ("version: 1\nimages:\n  a: {}\n", 3, "images: 'a' must be a list"),
    "image-twice": ("version: 1\nimages:\n  a: []\n  a: []\n", 4, "'a' stands twice"),
    "image-without-name": ("version: 1\nimages:\n  '': []\n", 3, "an image without a name"),
    "entry-word": ("version: 1\nimages:\n  a:\n  - b\n", 4, "an entry must be a mapping"),
    "entry-key": (GOOD.replace("owner:", "onwer:"), 6, "unknown key 'onwer'; did you mean 'owner'?"),
    "no-owner": (GOOD.replace("      owner: ann\n", ""), 4, "an entry needs 'owner'"),
    "no-reason": (GOOD.replace("      reason: it steps down\n", ""), 4, "an entry needs 'reason'"),
    "no-until": (GOOD.replace("      until: 2030-01-31\n", ""), 4, "an entry needs 'until'"),
    "no-fingerprint": (GOOD.replace('      fingerprint: "0123456789abcdef"\n', ""), 4, "an entry needs 'fingerprint'"),
    "blank-owner": (GOOD.replace("ann", "' '"), 6, "owner: ' ' is no text"),
    "until-word": (GOOD.replace("2030-01-31", "never"), 8, "until: 'never' is no date; write 2027-01-31"),
    "until-time": (GOOD.replace("2030-01-31", "2030-01-31 10:00:00"), 8, "is no date"),
    "until-no-day": (GOOD.replace("2030-01-31", "2030-02-31"), 8, "until: day is out of range"),
    "fingerprint-short": (GOOD.replace("0123456789abcdef", "01234"), 5, "'01234' is no fingerprint"),
    "fingerprint-number": (GOOD.replace('"0123456789abcdef"', "1234567890123456"), 5, "in quotes"),
    "unknown-check": (GOOD.replace("config.user", "config.usr"), 4, "did you mean 'config.user'?"),
    "twice": (
        GOOD + ENTRY.format(fingerprint="0123456789abcdef"),
        9,
        "fingerprint 0123456789abcdef stands twice (first in the entry of line 4)",
    ),
    "bytes-text": (GOOD + "      bytes: 3MB\n", 9, "bytes: '3MB' is no number of bytes"),
    "bytes-negative": (GOOD + "      bytes: -3\n", 9, "bytes: -3 is no number of bytes"),
    "platforms-word": (GOOD + "      platforms: linux/amd64\n", 9, "is no list; write [linux/amd64]"),
    "file-number": (GOOD + "      file: 7\n", 9, "file: 7 is no text"),
    "no-yaml": (GOOD + "      finding: [\n", 10, "no valid YAML"),
    "deep": ("version: 1\nimages: " + "[" * 60 + "\n", 2, "the YAML is nested too deep"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_its_line(name: str) -> None:
    text, line, words = MISTAKES[name]
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert caught.value.message.startswith(f"{FILE}:{line}: "), caught.value
    assert words in caught.value.message


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\xff\xfe\x00", bytes(range(256)), b"[" * 300_000])
def test_no_file_of_ours(data: bytes) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(data)
    assert str(caught.value).startswith(str(FILE))


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(b"# a\n" * 2_000_001)
    with pytest.raises(PolicyError, match=r"larger than 8000000 bytes.*Give each image a file"):
        read_known(path)
    with pytest.raises(PolicyError, match="can't be read: Is a directory"):
        read_known(tmp_path)


def entry(fingerprint: str, check: str = "config.user", **more: object) -> Known:
    return Known(**{"check": check, "owner": "bo", "reason": "r", "until": DAY, "fingerprint": fingerprint, **more})


def test_a_new_file_is_sorted() -> None:
    a, b = entry("b" * 16, file="/b"), entry("a" * 16, check="contents.media", file="/a")
    text, kept = updated_text(KnownFile(FILE), {"z": {a.fingerprint: a}, "c": {b.fingerprint: b, a.fingerprint: a}})
    assert text.startswith(HEADER) and kept
    places = [text.index(word) for word in ("  c:\n", 'b"', "contents.media", "  z:\n")]
    assert places == sorted(places)


def test_what_people_wrote_stays() -> None:
    before = parse(
        "# ours\nversion: 1\n\nimages:\n  # one\n  b/one:\n    # steps down\n"
        + ENTRY.format(fingerprint="1" * 16).replace("ann", "ann   # on leave")
        + ENTRY.format(fingerprint="2" * 16)
        + "  # two\n  a/two:   # twice\n"
        + ENTRY.format(fingerprint="3" * 16)
    )
    new = entry("4" * 16, check="contents.media", file="/x")
    one = {fp: e for fp, e in before.images["b/one"].items() if fp[0] == "1"}
    text, kept = updated_text(before, {"b/one": {**one, new.fingerprint: new}, "a/two": before.images["a/two"]})
    assert kept
    assert text.startswith("# ours\nversion: 1\n\nimages:\n  # two\n  a/two:   # twice\n")
    assert "  # one\n  b/one:\n    # steps down\n    - check: config.user\n" in text
    assert "ann   # on leave" in text and "2222" not in text
    again, _ = updated_text(parse(text), parse(text).images)
    assert again == text


def test_another_style_is_written_anew_and_says_so() -> None:
    flow = (
        "# ours\nversion: 1\nimages: {a: [{check: config.user, fingerprint: '1111111111111111', owner: o, reason: r,"
        " until: 2030-01-31}]}\n"
    )
    before = parse(flow)
    new = entry("2" * 16)
    text, kept = updated_text(before, {"a": {**before.images["a"], new.fingerprint: new}})
    assert not kept and "# ours" not in text
    assert set(parse(text).images["a"]) == {"1" * 16, "2" * 16}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "yes",
        "null",
        "1e3",
        "2030-01-31",
        "a: b",
        "- a",
        "#a",
        "'",
        '"',
        "\x85",
        "\u2028",
        "a\nb",
        "x" * 500,
    ]
)
FILLED = TEXT.filter(str.strip)
ENTRIES = st.dictionaries(
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.fixed_dictionaries(
        {
            "owner": FILLED,
            "reason": FILLED,
            "file": TEXT,
            "finding": TEXT,
            "bytes": st.none() | st.integers(0, 1 << 50),
            "platforms": st.lists(FILLED, max_size=2).map(tuple),
            "until": st.dates(),
        }
    ),
    max_size=3,
)
IMAGES = st.dictionaries(FILLED, ENTRIES, max_size=3)


def made(images: dict[str, dict[str, dict[str, object]]]) -> dict[str, dict[str, Known]]:
    return {name: {fp: entry(fp, **more) for fp, more in entries.items()} for name, entries in images.items()}


@given(IMAGES, IMAGES)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_reads_back(first: dict, second: dict) -> None:
    """The first as a new file, the second over it; comments at the top stay."""
    text, _ = updated_text(KnownFile(FILE), made(first))
    before = parse_known(text.encode(), FILE)
    assert before.images == {name: entries for name, entries in made(first).items() if entries}
    text, _ = updated_text(before, made(second))
    assert parse_known(text.encode(), FILE).images == {n: entries for n, entries in made(second).items() if entries}


def test_names_of_images() -> None:
    for location in ("ffmpeg", "docker.io/library/ffmpeg", "localhost/ffmpeg"):
        assert image_name(location, is_path=False, folder=Path("/r")) == "ffmpeg"
    name = "registry.example.com:5000/org/ffmpeg"
    assert image_name(name, is_path=False, folder=Path("/r")) == name
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        assert image_name(f"{root}/build/a.tar", is_path=True, folder=root) == "build/a.tar"
        assert image_name(f"{root}", is_path=True, folder=root) == root.name
        assert image_name("/elsewhere/a.tar", is_path=True, folder=root) == "a.tar"
        assert image_name(f"{root}/a\udc80.tar", is_path=True, folder=root) == "a?.tar"
