"""Every planted fault is found by its check, and by no other; what merely looks like one is found by none."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from judging import FAMILIES, Judge, opened
from mutants import MUTANTS, Mutant
from support.debian import CannotBuild

from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.transcode.cards import HARDWARE
from pytest_mediaimage.result import Severity, Status


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    import real_files

    try:
        real_files.tree()
    except CannotBuild as reason:
        pytest.skip(str(reason))
    seed = random.SystemRandom().randrange(10**6)
    with opened(seed) as judge:
        yield judge


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_plant_is_found_and_nothing_else(judge: Judge, mutant: Mutant) -> None:
    verdict = judge.judge(mutant)
    assert verdict.right, f"seed {judge.seed}: {verdict.said}"
    assert not verdict.elsewhere, f"seed {judge.seed}: {verdict.elsewhere}"


@pytest.mark.parametrize(("source", "based"), [("layout", False), ("layout", True), ("digest", False)])
def test_the_image_without_a_plant_passes(judge: Judge, source: str, based: bool) -> None:
    results = judge.of_clean(source, based)
    loud = [
        f"{name}: {f.message}" for name, r in results.items() for f in r.findings if f.severity is not Severity.NOTE
    ]
    assert not loud
    assert not [name for name, r in results.items() if r.status in (Status.ERROR, Status.FAILED)]


def test_every_check_has_two_faults_and_a_near_miss() -> None:
    planted = Counter((mutant.check, mutant.near_miss) for mutant in MUTANTS)
    tried = {"hardware.fallback", *(f"hardware.{path}" for path in HARDWARE)}  # on devices, not read from the image
    static = [check.id for check in ALL if check.id.split(".")[0] in FAMILIES and check.id not in tried]
    # A tag is the only way not to be pinned.
    assert not [check for check in static if planted[check, False] < 2 and check != "reference.pinned"]
    assert not [check for check in static if not planted[check, True]]
