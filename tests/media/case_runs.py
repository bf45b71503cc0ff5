"""Runs packaged cases with a given FFmpeg, on this machine."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from pytest_mediaimage.media import capabilities, samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.recipe import argv_of, fill, values_of
from pytest_mediaimage.media.verdict import judge_case

_LISTINGS = ("encoders", "decoders", "filters", "protocols", "muxers")


def run(case: Case, program: str, folder: Path, *options: str, source: Path | None = None) -> Made:
    """What the case's recipe makes; `options` are put before the output, where they win over the recipe's own."""
    skip_if_lacking(case, program)
    source = source or samples.sample(case.sample)
    extras = {name: samples.find(file) for name, file in case.extras.items()}
    paths = {name: str(file) for name, file in extras.items()} | {name: str(folder / name) for name in case.texts}
    output = folder / case.outputs[0]
    for name, text in case.texts.items():
        (folder / name).write_text(fill(text, values_of(program, source, output, paths)), encoding="utf-8")
    argv = argv_of(case.recipe, program, source, output, paths)
    argv[-1:-1] = options
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert case.fails or done.returncode == 0, done.stderr[-2000:]
    outputs = {name: folder / name for name in case.outputs if not case.fails or (folder / name).exists()}
    return Made(source, outputs, log=done.stderr, exit_code=done.returncode, extras=extras)


def problems(case: Case, made: Made) -> str:
    """The messages of what is wrong, a line each."""
    found = judge_case(case, made).problems
    assert all(problem.fix and problem.evidence for problem in found)
    return "\n".join(problem.message for problem in found)


def skip_if_lacking(case: Case, program: str) -> None:
    """Skip where the build lacks what the case needs."""
    listed = {name: _listed(program, name) for name in _LISTINGS}
    lacking = [name for kind, names in listed.items() for name in getattr(case.needs, kind) if name not in names]
    lacking += [form for encoder, form in case.needs.pix_fmts if form not in _listed(program, f"h encoder={encoder}")]
    if lacking:
        pytest.skip(f"{program} lacks {', '.join(lacking)}")


@cache
def _listed(program: str, what: str) -> frozenset[str]:
    argv = [program, "-hide_banner", *f"-{what}".split()]
    text = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout
    return (getattr(capabilities, what) if what in _LISTINGS else capabilities.pix_fmts)(text)
