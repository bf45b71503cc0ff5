from __future__ import annotations

import subprocess

import ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.media import capabilities, samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.recipe import Recipe, argv_of, recipe_of


def test_every_case_names_a_sample_and_says_where_its_limits_come_from() -> None:
    for name, case in CASES.items():
        assert case.name == name
        assert samples.sample(case.sample).is_file()
        limits = [limit for rule in case.rules for limit in getattr(rule, "thresholds", {}).values()]
        assert case.rules and all(threshold.source for threshold in limits)


def test_every_case_needs_the_formats_that_it_writes() -> None:
    for case in CASES.values():
        words = case.recipe.argv
        written = {words[at + 1] for at, word in enumerate(words) if word == "-f"} - {"concat"}
        assert written <= set(case.needs.muxers), case.name


def test_pinned(case: Case) -> None:
    argv = argv_of(case.recipe, "/opt/ffmpeg", "/in/a b.mp4", "/out/b.mp4")
    assert argv[0] == "/opt/ffmpeg"
    assert argv[argv.index("-i") + 1] == "/in/a b.mp4"
    assert argv.count("/out/b.mp4") == 1
    for option, value in (("-threads:v", "2"), ("-flags:v", "+bitexact+cgop"), ("-preset", "medium"), ("-crf", "23")):
        assert argv[argv.index(option) + 1] == value


def test_the_recipe_hash_stands_for_the_recipe(case: Case) -> None:
    # A changed hash makes all golden values worthless: change it knowingly, with values recorded anew.
    assert case.recipe.sha256.startswith("4d205a6c63ee")
    assert Recipe((*case.recipe.argv, "-shortest")).sha256 != case.recipe.sha256


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ffmpeg", "-i", "{input}", "{output}"], ["/f", "-i", "/a", "/b"]),
        (["-i", "{input}", "{output}"], ["/f", "-i", "/a", "/b"]),
        (["{ffmpeg}", "-i", "{input}", "{output}"], ["/f", "-i", "/a", "/b"]),
        (["/app/encode", "--in={input}", "{output}"], ["/app/encode", "--in=/a", "/b"]),
        (["sh", "-c", "ffmpeg -i {input} {output}"], ["sh", "-c", "ffmpeg -i /a /b"]),
    ],
)
def test_lists(words: list[str], expected: list[str]) -> None:
    assert argv_of(words, "/f", "/a", "/b") == expected


def test_ffmpeg_python_streams() -> None:
    stream = ffmpeg.input("{input}").filter("scale", 160, 90).output("{output}", vcodec="libx264")
    argv = argv_of(stream, "/f", "/a", "/b")
    assert argv[:3] == ["/f", "-i", "/a"]
    assert argv[-1] == "/b"
    assert "[0]scale=160:90[s0]" in argv


@given(st.text(min_size=1), st.text(min_size=1))
def test_paths_are_never_taken_for_placeholders(left: str, right: str) -> None:
    given_input, given_output = left + "{output}", "{input}" + right
    assert argv_of(["-i", "{input}", "{output}"], "{ffmpeg}", given_input, given_output) == [
        "{ffmpeg}",
        "-i",
        given_input,
        given_output,
    ]


@pytest.mark.parametrize(
    "recipe",
    [
        ["-i", "{input}", "out.mp4"],
        ["-f", "lavfi", "-i", "testsrc2", "{output}"],
        [],
        ["-i", "{input}", "{output}", 5],
        "ffmpeg -i {input} {output}",
        None,
        ffmpeg.input("{input}"),
    ],
)
def test_what_is_no_recipe_is_refused(recipe: object) -> None:
    with pytest.raises(UsageError):
        argv_of(recipe, "ffmpeg", "a", "b")


def test_needs_are_what_real_builds_list(case: Case, any_ffmpeg: str) -> None:
    def listing(what: str) -> str:
        argv = [any_ffmpeg, "-hide_banner", what]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout

    assert set(case.needs.encoders) <= capabilities.encoders(listing("-encoders"))
    assert set(case.needs.decoders) <= capabilities.decoders(listing("-decoders"))
    assert set(case.needs.filters) <= capabilities.filters(listing("-filters"))


def test_equal_commands_have_equal_hashes(case: Case) -> None:
    stream = ffmpeg.input("{input}").output("{output}")
    words = ["-i", "{input}", "{output}"]
    assert recipe_of(stream).sha256 == recipe_of(words).sha256 == recipe_of(["ffmpeg", *words]).sha256
    assert recipe_of(["/app/encode", *words]).sha256 != recipe_of(words).sha256
    assert recipe_of(case.recipe) == case.recipe
