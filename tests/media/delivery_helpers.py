"""Runs cases with several outputs as a check does, but for the image."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.recipe import Recipe, argv_of
from pytest_mediaimage.media.streaming.playlists import beside
from pytest_mediaimage.media.streaming.reading import names_in
from pytest_mediaimage.media.verdict import judge_case

Change = Callable[[list[str]], list[str]]


def run(recipe: Recipe, program: str, folder: Path, main: str, *, source: Path, change: Change | None = None) -> None:
    """Run a recipe on a source, its words changed before, with its outputs in `folder`."""
    folder.mkdir(exist_ok=True)
    argv = argv_of(recipe, program, source, folder / main)
    done = subprocess.run(
        change(argv) if change else argv, capture_output=True, text=True, timeout=60, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr[-2000:]


def made_in(folder: Path, outputs: Sequence[str], *, source: Path | None = None, nonce: int | None = None) -> Made:
    """What lies in `folder`: these outputs, and what playlists among them name."""
    wanted = list(outputs)
    for name in wanted:
        if (folder / name).is_file():
            wanted += [other for found in names_in(folder / name) if (other := beside(name, found)) not in wanted]
    files = {name: folder / name for name in wanted if (folder / name).is_file()}
    return Made(source or samples.sample("bars-384x216"), files, nonce)


def messages(case: Case, made: Made) -> str:
    judgement = judge_case(case, made)
    assert all(problem.fix and problem.evidence for problem in judgement.problems)
    return "\n".join(problem.message for problem in judgement.problems)


def replaced(*pairs: tuple[str, str]) -> Change:
    """Words that are given are replaced, all of the same alike."""
    return lambda argv: [dict(pairs).get(word, word) for word in argv]


def within(old: str, new: str) -> Change:
    """Text within words is replaced; it must be there."""

    def change(argv: list[str]) -> list[str]:
        assert any(old in word for word in argv), argv
        return [word.replace(old, new) for word in argv]

    return change


def before(output: str, *words: str) -> Change:
    """Words are put before the output whose path ends in `output`, where they win over those before."""

    def change(argv: list[str]) -> list[str]:
        at = next(index for index, word in enumerate(argv) if word.endswith(output))
        return [*argv[:at], *words, *argv[at:]]

    return change
