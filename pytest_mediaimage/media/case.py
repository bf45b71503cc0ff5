"""What a transcode case is: what is run in the image, on which sample, and the rules that its output is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .made import Made
from .recipe import Recipe


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an output. `evidence` is the same each time the same thing is wrong."""

    message: str
    evidence: str
    fix: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit and where it comes from."""

    limit: float
    source: str


class Rule(Protocol):
    """What an output must be. A rule is data, a frozen dataclass, with the judging of it beside."""

    def judge(self, made: Made) -> Iterator[Problem]:
        """What is wrong. May put what it measured into `made.metrics`.

        Raises JudgeError where an output can't be read; the caller makes a problem of it.
        """


@dataclass(frozen=True, slots=True)
class Needs:
    """Names that the image's FFmpeg must list for a recipe: `-encoders`, `-decoders`, `-filters`, `-protocols`,
    `-muxers`.

    `pix_fmts` are pairs of an encoder and a pixel format that it must take (`-h encoder=NAME`).
    """

    encoders: tuple[str, ...] = ()
    decoders: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    muxers: tuple[str, ...] = ()
    pix_fmts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """`sample` names a bundled clip, `outputs` the files that the recipe writes, the main one first.

    The recipe's `{output}` is the main output's path, `{folder}` the directory of all; `{extra:NAME}` the path of what
    `extras` (a sample's name) or `texts` (a file's text, with placeholders of its own) hold under that name. What
    a playlist among the outputs names is fetched with it. `golden` says that the frames of the main output are compared
    with the source's and held against golden values, `golden_required` that there must be some, `fresh` that the recipe
    is also run on a clip that nobody has seen before. `device` is the node of the hardware that the recipe names.
    `server` is a command that runs beside in the same container, serves the recipe's input, and ends after its first
    client. `fails` says that the command must end with an error: it is no fault that it does, nor that it writes
    nothing. `timeout` is in seconds.
    """

    name: str
    sample: str
    recipe: Recipe
    rules: tuple[Rule, ...]
    server: Recipe | None = None
    needs: Needs = field(default_factory=Needs)
    outputs: tuple[str, ...] = ("output.mp4",)
    extras: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    golden: bool = True
    golden_required: bool = False
    fresh: bool = False
    device: str = ""
    fails: bool = False
    timeout: float = 60.0
