"""Runs a fuzz target with atheris: seeds made in code, a bounded time, and the input of a crash kept and named.

`python fuzz_tar.py --seconds 60` starts from the seeds; `python fuzz_tar.py FILE` runs one input again, as
libFuzzer does; other arguments are libFuzzer's.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

TESTS = Path(__file__).parent.parent
# The corpus of images, and what archives and ELF files are put together from.
sys.path[:0] = [str(TESTS / "image"), str(TESTS / "ffmpeg"), str(TESTS)]

_CHILD = "--child"
_LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1")

Target = Callable[[bytes], None]
Mutator = Callable[[bytes, int, int], bytes]


def instrumented() -> contextlib.AbstractContextManager[object]:
    """What is imported below it tells atheris where a run went; without atheris it is imported as ever."""
    if _CHILD not in sys.argv:
        return contextlib.nullcontext()
    import atheris

    return atheris.instrument_imports(include=["pytest_mediaimage"])


def main(target: Target, seeds: Callable[[], Iterable[bytes]], words: Iterable[str], mutator: Mutator | None) -> None:
    """Ends the process: 0 where nothing was found."""
    if _CHILD in sys.argv:
        import atheris

        sys.argv.remove(_CHILD)
        atheris.Setup(sys.argv, target, **({"custom_mutator": mutator} if mutator else {}))
        atheris.Fuzz()
    sys.exit(_parent(sys.argv[1:], seeds, words))


def _parent(arguments: list[str], seeds: Callable[[], Iterable[bytes]], words: Iterable[str]) -> int:
    script = [sys.executable, sys.argv[0], _CHILD, *_LIMITS]
    if "--seconds" not in arguments:
        return subprocess.run([*script, *arguments], check=False).returncode
    place = arguments.index("--seconds")
    seconds, rest = arguments[place + 1], arguments[:place] + arguments[place + 2 :]
    name = Path(sys.argv[0]).stem
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, seed in enumerate(seeds()):
            (corpus / f"seed-{number:04}").write_bytes(seed)
        dictionary.write_text("".join(f'"{word}"\n' for word in words))
        found = Path(tempfile.mkdtemp(prefix=f"pytest-mediaimage-{name}-"))
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={found}/", f"-dict={dictionary}"]
        done = subprocess.run(
            [*script, *options, *rest, str(corpus)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    sys.stdout.write(f"{name}: {_summary(done.stderr)}\n")
    if done.returncode == 0:
        found.rmdir()
        return 0
    again = f"run it again: {Path(sys.executable).name} {sys.argv[0]} {found}/NAME"
    sys.stdout.write(
        f"{done.stderr[-2000:]}\n{done.stdout[-8000:]}\n{name}: the input that ended it lies in {found}; {again}\n"
    )
    return 1


def _summary(log: str) -> str:
    """libFuzzer's last word on coverage, and how many inputs it ran."""
    reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\S+)", log)
    executed = re.findall(r"stat::number_of_executed_units:\s+(\d+)", log)
    rate = re.findall(r"stat::average_exec_per_sec:\s+(\d+)", log)
    memory = re.findall(r"stat::peak_rss_mb:\s+(\d+)", log)
    if not (reached and executed):
        return "no figures"
    coverage, features, corpus = reached[-1]
    return (
        f"{executed[0]} inputs, {rate[0]}/s, coverage {coverage} edges and {features} features, "
        f"corpus {corpus}, {memory[0]} MiB"
    )
