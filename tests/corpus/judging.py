"""Runs the static checks on every mutant, and judges them: `python judging.py [SEED]` prints the table."""

# ruff: noqa: T201
from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import mutants_binaries
import mutants_contents
import mutants_documents
import mutants_sizes
import real_files
from clean_image import Parts, clean, write
from mutants import MUTANTS, Mutant
from support.debian import CannotBuild
from support.registry import Registry, registry

from pytest_mediaimage.result import Finding, Result, Severity, Status
from pytest_mediaimage.session import MediaSession, Options

FAMILIES = ("reference", "manifest", "config", "size", "layers", "contents", "binaries", "hardware")
POLICY = Path(__file__).parents[2] / "fixtures" / "policies" / "corpus.yaml"
MODULES = (mutants_documents, mutants_sizes, mutants_contents, mutants_binaries)


@dataclass
class Verdict:
    """What the checks said of a mutant. `elsewhere` are findings of checks that have nothing to find."""

    mutant: Mutant
    right: bool
    said: str
    elsewhere: list[str] = field(default_factory=list)


class Judge:
    """Holds what the mutants share: a cache, a registry, and what the checks say of the clean image."""

    def __init__(self, folder: Path, seed: int, served: Registry | None) -> None:
        self.folder, self.seed, self.served = folder, seed, served
        self._clean: dict[tuple[str, bool], dict[str, Result]] = {}
        self._count = 0

    def judge(self, mutant: Mutant) -> Verdict:
        # By its name, so that a mutant is the same alone and among others.
        parts = clean(random.Random(f"{self.seed} {mutant.id}"))
        word = mutant.change(parts)
        results = self._results(parts, mutant)
        new = {check: self._new(result, mutant) for check, result in results.items()}
        found, result = new.pop(mutant.check), results[mutant.check]
        said = "; ".join(f"{f.severity}: {f.message} [{f.file}]" for f in result.findings) or str(result.status)
        said += f" ({result.reason})" if result.reason else ""
        if mutant.near_miss:
            right = not found and result.status is Status.PASSED
        else:
            right = any(
                (word or "") in " ".join((f.file or "", f.evidence, f.message, f.created_by or "")) for f in found
            )
        elsewhere = [
            f"{check}: {finding.severity}: {finding.message} [{finding.file}]"
            for check, findings in new.items()
            if check not in mutant.also
            for finding in findings
        ]
        elsewhere += [f"{check}: broke: {r.reason}" for check, r in results.items() if r.status is Status.ERROR]
        return Verdict(mutant, right, said, elsewhere)

    def _new(self, result: Result, mutant: Mutant) -> list[Finding]:
        known = {f.fingerprint(result.check) for f in self.of_clean(mutant.source, mutant.based)[result.check].findings}
        return [
            f
            for f in result.findings
            if f.severity in (Severity.ERROR, Severity.WARNING) and f.fingerprint(result.check) not in known
        ]

    def of_clean(self, source: str, based: bool) -> dict[str, Result]:
        if (source, based) not in self._clean:
            parts = clean(random.Random(self.seed))
            asked = Mutant("", "clean", lambda parts: None, source=source, based=based)
            self._clean[source, based] = self._results(parts, asked)
        return self._clean[source, based]

    def _results(self, parts: Parts, mutant: Mutant) -> dict[str, Result]:
        self._count += 1
        layout = write(self.folder / f"image-{self._count}", parts)
        name = f"oci:{layout}"
        if mutant.source != "layout":
            assert self.served is not None
            digest = self.served.push(layout, f"media/i{self._count}", "1")
            repository = f"registry:{self.served.address}/media/i{self._count}"
            name = f"{repository}:1" if mutant.source == "tag" else f"{repository}@{digest}"
        baseline = ""
        if mutant.based:
            before = clean(random.Random(f"{self.seed} {mutant.id}"))
            if parts.baseline:
                parts.baseline(before)
            baseline = f"oci:{write(self.folder / f'baseline-{self._count}', before)}"
        options = Options(
            images=(name,), root=self.folder, directory=self.folder, platforms=("linux/amd64",), policy=POLICY,
            static=True, baseline=baseline, cache=self.folder / "cache",
        )  # fmt: skip
        session = MediaSession.open(options)
        subject = session.subjects[0]
        planned = [item for item in session.planned if item.check.id.split(".")[0] in FAMILIES]
        return {item.check.id: session.run(item, subject) for item in planned}


@contextmanager
def opened(seed: int) -> Iterator[Judge]:
    """A judge with a directory and a registry of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-")))
        (folder / "registry").mkdir()
        yield Judge(folder, seed, stack.enter_context(registry(folder / "registry")))


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10**6)
    only = sys.argv[2] if len(sys.argv) > 2 else ""  # a part of the mutants' ids
    print(f"seed {seed}")
    start = time.process_time()
    try:
        real_files.tree()
    except CannotBuild as reason:
        sys.exit(str(reason))
    with opened(seed) as judge:
        for check, result in judge.of_clean("layout", False).items():
            for finding in result.findings:
                print(f"clean: {check}: {finding.severity}: {finding.message} [{finding.file}]")
            if result.status in (Status.SKIPPED, Status.ERROR):
                print(f"clean: {check}: {result.status}: {result.reason}")
        verdicts = [judge.judge(mutant) for mutant in MUTANTS if only in mutant.id]
    bad = [verdict for verdict in verdicts if not verdict.right or verdict.elsewhere]
    print(table(verdicts))
    for verdict in bad:
        if not verdict.right:
            print(f"{'FALSE ALARM' if verdict.mutant.near_miss else 'MISS'} {verdict.mutant.id}: {verdict.said}")
        for text in verdict.elsewhere:
            print(f"ELSEWHERE {verdict.mutant.id}: {text}")
    print(f"{len(verdicts)} mutants, {len(bad)} wrong, {time.process_time() - start:.0f} s of CPU")
    return 1 if bad else 0


def table(verdicts: list[Verdict]) -> str:
    """A line for each check."""
    lines = [f"{'check':26} {'found':>8} {'silent':>8} {'elsewhere':>10}"]
    for check in dict.fromkeys(verdict.mutant.check for verdict in verdicts):
        of = [verdict for verdict in verdicts if verdict.mutant.check == check]
        right, planted = (Counter(v.mutant.near_miss for v in some) for some in ([v for v in of if v.right], of))
        alarms = sum(len(verdict.elsewhere) for verdict in of)
        lines.append(
            f"{check:26} {right[False]:>4}/{planted[False]:<3} {right[True]:>4}/{planted[True]:<3} {alarms:>10}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
