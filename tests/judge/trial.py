"""Judges wrong encoders, each of which must be named, and right ones, of which nothing may be said.

`python trial.py [SEED] [NAME]` prints the table; JUDGE_RUNS says how often each right encoder runs with each build.
"""

# ruff: noqa: T201
from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import wrong_colours  # noqa: F401
import wrong_delivery  # noqa: F401
import wrong_hdr  # noqa: F401
import wrong_pictures  # noqa: F401
import wrong_programs  # noqa: F401
import wrong_sound  # noqa: F401
import wrong_times  # noqa: F401
import wrong_tracks  # noqa: F401
from encoders import ENCODERS, Build, Encoder, Trial, builds, more_threads, packaged_golden

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clip import fresh_clip
from pytest_mediaimage.media.verdict import judge_case


@dataclass(frozen=True)
class Verdict:
    """What the judge said of an encoder. `lacking` are the words that it should have said, `besides` what else."""

    name: str
    case: str
    build: str
    drawn: str
    near_miss: bool
    found: bool
    lacking: tuple[str, ...]
    said: tuple[str, ...]
    besides: int

    @property
    def right(self) -> bool:
        return not self.found if self.near_miss else self.found and not self.lacking


def seen(encoder: Encoder, seed: int) -> Verdict:
    """Run an encoder on one of the builds that can, and judge what it made. The same for the same seed, but for nonces.

    Raises RuntimeError where the build fails.
    """
    # By its name, so that an encoder does the same alone and among others.
    chance = random.Random(f"{seed} {encoder.name}")
    able = [build for build in builds() if not build.lacks(encoder.case) and encoder.build in ("", build.name)]
    if not able:
        raise RuntimeError(f"no build here can do {encoder.case.name}")
    with tempfile.TemporaryDirectory(prefix="judge-") as folder:
        source = samples.sample(encoder.case.sample)
        trial = Trial(encoder.case, chance.choice(able), Path(folder), chance, source)
        words = encoder.act(trial) or ()
        if trial.said is None:
            found = judge_case(encoder.case, trial.made(), golden=trial.golden).problems
            said = [problem.message.replace(f"{folder}/", "") for problem in found]
        else:
            said = trial.said
    wanted = (words,) if isinstance(words, str) else words
    named = [message for message in said if any(word in message for word in wanted)]
    lacking = tuple(word for word in wanted if not any(word in message for message in said))
    besides = tuple(message for message in said if message not in named)
    return Verdict(
        name=encoder.name,
        case=encoder.case.name,
        build=trial.build.name,
        drawn=" ".join(trial.drawn),
        near_miss=encoder.near_miss,
        found=bool(said),
        lacking=lacking,
        said=(*named, *besides),
        besides=len(besides),
    )


def is_right(case: Case, build: Build) -> bool:
    """Whether the build must do the case without a word of the judge's.

    A case with a server is left to tests/media/test_network.py. FFmpeg before 6 drops the head of each ID3 tag, and
    that is to be said.
    """
    truly_wrong = case.name == "timed-id3" and version(build).startswith(("4.", "5."))
    return not build.lacks(case) and case.server is None and not truly_wrong


@dataclass(frozen=True)
class Alarm:
    """What was said of right encoders: `runs` of a case with a build, `alarms` messages; `exact` golden values."""

    case: str
    build: str
    runs: int
    alarms: tuple[str, ...]
    golden: str


def honest(pair: tuple[str, str], runs: int) -> Alarm:
    """Run a case as it is, every other time with more threads; the golden values are for the recipe's own."""
    case, build = CASES[pair[0]], next(build for build in builds() if build.name == pair[1])
    alarms: list[str] = []
    statuses: list[str] = []
    for number in range(runs):
        with tempfile.TemporaryDirectory(prefix="judge-") as folder:
            more = bool(number % 2)
            for nonce, source in _sources(case, Path(folder)):
                place = Path(folder) / f"of-{source.stem}"
                place.mkdir()
                trial = Trial(case, build, place, random.Random(0), source, nonce)
                trial.encode(change=more_threads if more else None)
                golden = None if more or nonce is not None else packaged_golden(case)
                judged = judge_case(case, trial.made(), golden=golden)
                alarms += [f"run {number}: {problem.message}" for problem in judged.problems]
                if golden:
                    statuses.append(judged.golden.status)
    return Alarm(case.name, build.name, runs, tuple(alarms), ", ".join(sorted(set(statuses))))


def _sources(case: Case, folder: Path) -> Iterable[tuple[int | None, Path]]:
    yield None, samples.sample(case.sample)
    if case.fresh:
        yield fresh_clip(folder / "fresh.mp4"), folder / "fresh.mp4"


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else random.SystemRandom().randrange(10**6)
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    runs = int(os.environ.get("JUDGE_RUNS") or 2)
    print(f"seed {seed}; builds: {', '.join(f'{build.name} ({version(build)})' for build in builds())}")
    start = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(partial(_caught, partial(seen, seed=seed)), [e for e in ENCODERS if only in e.name]))
        print(table([verdict for verdict in verdicts if isinstance(verdict, Verdict)]))
        failed = [verdict for verdict in verdicts if isinstance(verdict, str)]
        pairs = [(case.name, build.name) for case in CASES.values() for build in builds() if is_right(case, build)]
        alarms = list(pool.map(partial(_caught, partial(honest, runs=runs)), pairs if not only else []))
    if not only:
        print(alarm_table([alarm for alarm in alarms if isinstance(alarm, Alarm)]))
    failed += [alarm for alarm in alarms if isinstance(alarm, str)]
    bad = [verdict for verdict in verdicts if isinstance(verdict, Verdict) and not verdict.right]
    loud = [alarm for alarm in alarms if isinstance(alarm, Alarm) and alarm.alarms]
    for verdict in bad:
        print(
            f"{'FALSE ALARM' if verdict.near_miss else 'MISS'} {verdict.name}: {'; '.join(verdict.said) or 'nothing'}"
        )
        print(f"    wanted: {'; '.join(verdict.lacking) or 'nothing'}")
    for alarm in loud:
        print(f"FALSE ALARM {alarm.case} with {alarm.build}: {'; '.join(alarm.alarms)}")
    for text in failed:
        print(f"BROKE {text}")
    print(
        f"{len(verdicts)} encoders, {len(bad)} wrong; {len(alarms)} right ones, {len(loud)} alarmed; "
        f"{len(failed)} broke; {time.monotonic() - start:.0f} s"
    )
    return 1 if bad or loud or failed else 0


def _caught(work: Callable[[object], object], item: object) -> object:
    try:
        return work(item)
    except Exception as error:  # whatever it is, the others go on, and the run fails
        name = item.name if isinstance(item, Encoder) else item
        return f"{name}: {type(error).__name__}: {error}"


def version(build: Build) -> str:
    import subprocess

    text = subprocess.run([build.program, "-version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return text.split()[2]


def table(verdicts: list[Verdict]) -> str:
    """A line for each encoder: what was drawn, whether it was named, the judge's words, how much else it said."""
    lines = [f"{'encoder':36} {'case':16} {'build':8} {'drawn':14} {'':6} what the judge said (and how much besides)"]
    for v in verdicts:
        mark = "ok" if v.right else "ALARM" if v.near_miss else "unnamed" if v.found else "MISS"
        said = (v.said[0][:110] if v.said else "nothing") + (f" (+{v.besides})" if v.besides else "")
        lines.append(f"{v.name:36} {v.case:16} {v.build:8} {v.drawn:14} {mark:6} {said}")
    faults = [v for v in verdicts if not v.near_miss]
    near = [v for v in verdicts if v.near_miss]
    lines.append(
        f"{sum(v.right for v in faults)} of {len(faults)} wrong encoders named, "
        f"{sum(v.right for v in near)} of {len(near)} near misses passed"
    )
    return "\n".join(lines)


def alarm_table(alarms: list[Alarm]) -> str:
    """A line for each case: alarms in as many runs, by build, and what golden values said."""
    names = [build.name for build in builds()]
    lines = [f"{'right encoders':18}" + "".join(f" {name:>24}" for name in names)]
    for case in dict.fromkeys(alarm.case for alarm in alarms):
        cells = {
            a.build: f"{len(a.alarms)}/{a.runs}" + (f" golden {a.golden}" if a.golden else "")
            for a in alarms
            if a.case == case
        }
        lines.append(f"{case:18}" + "".join(f" {cells.get(name, '-'):>24}" for name in names))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
