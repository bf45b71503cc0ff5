"""A few encoders of `make judge`, which tries them all: each wrong one is named, and nothing is said of others."""

from __future__ import annotations

import random

import pytest
from encoders import ENCODERS, Encoder, builds
from limits import FAULTS, named_from, silent_upto, tried
from trial import honest, seen, table

from pytest_mediaimage.media.cases import CASES

BY_NAME = {encoder.name: encoder for encoder in ENCODERS}
QUICK = (
    "dropped-frame",
    "torn-frame",
    "chroma-swapped",
    "brighter-by-a-third",
    "sound-8-ms-off",
    "sound-4-ms-off",
    "input-ignored",
    "captions-of-one-frame-lost",
    "silent-tail",
    "truncation-unnoticed",
)


@pytest.fixture(autouse=True)
def _needs_ffmpeg() -> None:
    if not builds():
        pytest.skip("there is no ffmpeg here")


@pytest.mark.parametrize("name", QUICK)
def test_a_wrong_encoder_is_named_and_a_near_miss_passes(name: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    verdict = seen(BY_NAME[name], seed)
    assert verdict.right, f"seed {seed}: {verdict}"


def test_the_trial_itself_can_fail() -> None:
    """An encoder that does nothing wrong is a miss, one that is named otherwise too, and one too many an alarm."""
    right = seen(Encoder("right", CASES["vp9"], lambda trial: trial.encode() or "frame 7"), 1)
    assert (right.found, right.lacking, right.right) == (False, ("frame 7",), False)
    other = seen(Encoder("other", CASES["captions"], lambda trial: trial.encode("-a53cc", "0") or "frame 7"), 1)
    assert (other.found, other.lacking, other.right) == (True, ("frame 7",), False)
    near = seen(Encoder("near", CASES["captions"], lambda trial: trial.encode("-a53cc", "0"), near_miss=True), 1)
    assert (near.found, near.right) == (True, False)
    printed = table([right, other, near])
    assert "MISS" in printed and "unnamed" in printed and "ALARM" in printed
    assert "0 of 2 wrong encoders named, 0 of 1 near misses passed" in printed


def test_nothing_is_said_of_a_right_encoder() -> None:
    alarm = honest(("captions", builds()[0].name), 2)
    assert alarm.alarms == ()


def test_there_are_wrong_encoders_of_every_case_and_names_are_their_own() -> None:
    assert len(BY_NAME) == len(ENCODERS)
    assert sum(not encoder.near_miss for encoder in ENCODERS) >= 60
    assert {encoder.case.name for encoder in ENCODERS if not encoder.near_miss} == {
        name for name, case in CASES.items() if case.server is None
    }


def test_a_limit_lies_between_what_was_always_named_and_what_never_was() -> None:
    found = {1.0: [False, False], 2.0: [False, True], 3.0: [True, True], 4.0: [True, True]}
    assert (named_from(found), silent_upto(found)) == ("3", "1")
    assert (named_from({1.0: [False]}), silent_upto({1.0: [True]})) == ("more than 1", "less than 1")


def test_strengths_of_a_fault_are_tried_on_both_sides_of_the_limit() -> None:
    at = next(index for index, fault in enumerate(FAULTS) if fault.name == "loudness off")
    weakest, *_, strongest = FAULTS[at].strengths
    assert [tried((at, strength, 0), 1) for strength in (weakest, strongest)] == [
        (at, weakest, False),
        (at, strongest, True),
    ]
