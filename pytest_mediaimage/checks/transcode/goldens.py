"""Golden values of this run: a team's own beside its policy, before those that come with the package."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import MediaImageError, UsageError
from ...result import Finding, Severity
from .sampling import sample_file

if TYPE_CHECKING:
    from ...media.case import Case
    from ...media.golden import Golden, GoldenEntry
    from ...media.verdict import Judgement
    from .running import Transcoded


@dataclass(slots=True)
class Goldens:
    """`folder` holds a team's own; `updating` writes instead of comparing; `lines` is what to tell the user. `later`
    writes what a device made, once it is proven that it was the device."""

    folder: Path
    updating: bool = False
    lines: list[str] = field(default_factory=list)
    later: Callable[[], None] | None = None

    def entry(self, name: str, result: Transcoded) -> GoldenEntry | None:
        """The values for this sample, recipe and path, or None."""
        from ...media.golden import packaged

        for golden in (self._own(name), packaged(name)):
            if golden is not None:
                found = golden.entry(sample=_sha256(result.source), recipe=result.recipe, path=result.path)
                if found is not None:
                    return found
        return None

    def doubts(
        self, case: Case, result: Transcoded, judgement: Judgement, entry: GoldenEntry | None
    ) -> Iterator[Finding]:
        """What is to be said of a case's pictures that no golden value, or another encoder's, was there for."""
        if judgement.golden.status == "tolerance":
            yield Finding(
                f"held to tolerances, not to exact frames: {judgement.golden.reason}",
                severity=Severity.NOTE,
                evidence="tolerance",
                fix="Write this encoder's values with --media-update-golden.",
            )
        if judgement.golden.status != "missing":
            return
        changed = "" if entry is not None else self._changed(case.name, result)
        message = judgement.golden.reason or "there is no golden value for this recipe on this path"
        if changed:
            message = f"the {changed} changed since the golden values were written"
        if case.golden_required or changed or not result.device:
            yield Finding(
                f"{message}: only structure and quality were judged",
                severity=None if case.golden_required else Severity.WARNING if changed else Severity.NOTE,
                evidence=f"{changed} changed" if changed else "no golden value",
                fix="Write it with --media-update-golden, look at it, and commit it.",
            )

    def _changed(self, name: str, result: Transcoded) -> str:
        """What isn't as it was when a team's values for this path were written: `recipe` or `sample`; or ""."""
        own = self._own(name)
        before = [entry for entry in own.entries if entry.path == result.path] if own else []
        if not before:
            return ""
        return "sample" if any(entry.recipe == result.recipe for entry in before) else "recipe"

    def update(self, name: str, result: Transcoded, judgement: Judgement, *, prune: bool = False) -> None:
        """Write the values that `result` gave, unless it is wrong, and keep a line for each change.

        With `prune` those of other recipes and samples on this path go: a case has one of each.
        """
        from ...media.golden import Golden, GoldenValues, diff, packaged, save

        if judgement.problems:
            self.lines.append(f"{name}: not written, the output is wrong: {judgement.problems[0].message}")
            return
        before = self._own(name) or packaged(name) or Golden(name)
        encoder, machine = _key(result, judgement)
        sample = _sha256(result.source)
        after = before.with_values(
            sample=sample,
            recipe=result.recipe,
            path=result.path,
            encoder=encoder,
            machine=machine,
            values=GoldenValues.of(judgement.hashes, judgement.metrics),
        )
        if prune:
            kept = tuple(e for e in after.entries if e.path != result.path or e.key[:2] == (sample, result.recipe))
            after = replace(after, entries=kept)
        changes = diff(before, after)
        if not changes:
            self.lines.append(f"{name}: unchanged")
            return
        save(self._file(name), after)
        self.lines += [f"{name}: written to {self._file(name)}", *(f"  {line}" for line in changes)]

    def check(self, name: str, result: Transcoded) -> str:
        """`exact`, `tolerance` or, with `updating`, `written`. Raises AssertionError where they differ, or none are."""
        from ...media.verdict import judgement_of

        if result.info.video is None:
            raise AssertionError("golden values are of pictures, and the output has none")
        judgement = judgement_of(result.info, result.comparison)
        if self.updating:
            self.update(name, result, judgement)
            return "written"
        entry = self.entry(name, result)
        if entry is None:
            raise AssertionError(
                f"there are no golden values {name!r} for this recipe and sample in {self._file(name)}; "
                "write them with --media-update-golden, look at them, and commit them"
            )
        hold(entry, result, judgement)
        if judgement.golden.status == "missing":
            raise AssertionError(
                f"there are no golden values {name!r} for this family of cards: {judgement.golden.reason}; "
                "write them with --media-update-golden, look at them, and commit them"
            )
        if judgement.problems:
            raise AssertionError("\n".join(f"{p.message}. {p.fix}" for p in judgement.problems))
        return judgement.golden.status

    def _file(self, name: str) -> Path:
        if not name or "/" in name or name.startswith("."):
            raise UsageError(f"{name!r} can't name a golden value", remedy="Use letters, digits and dashes.")
        return self.folder / f"{name}.json"

    def _own(self, name: str) -> Golden | None:
        from ...media.golden import load

        file = self._file(name)
        return load(file) if file.is_file() else None


def hold(entry: GoldenEntry, result: Transcoded, judgement: Judgement) -> None:
    """Compare with golden values, of software or of the hardware that did it."""
    if result.origin is None:
        from ...media.verdict import hold_against

        hold_against(entry, result.architecture, judgement)
        return
    from ...media.hardware.goldens import hold_on_card

    if judgement.hashes:
        hold_on_card(entry, result.origin, judgement)


def _key(result: Transcoded, judgement: Judgement) -> tuple[str, str]:
    """What values are kept by: the encoder's version and the class of processor, or FFmpeg's, the card and driver."""
    from ...media.machine import machine_class

    signed = str(judgement.metrics["encoder"])
    if result.origin is None:
        return signed, machine_class(result.architecture)
    return result.origin.encoder(signed), result.origin.machine


def _is_asked_for(entry: GoldenEntry, case: Case, sample: str) -> bool:
    """Whether a run of today can ask for these values. A hardware path of the policy's own is taken for such."""
    if entry.sample != sample:
        return False
    if entry.path == "cpu":
        return entry.recipe == case.recipe.sha256
    from ...media.hardware.cases import on_path
    from ...media.hardware.encoders import encoder_of, takes_ten_bits
    from .cards import ENCODING
    from .on_cards import CODECS

    codec = CODECS.get(case.name)
    if codec is None or entry.path not in ENCODING:
        return codec is not None
    encoder = encoder_of(entry.path, codec, "{device}", ten_bits=takes_ten_bits(case.recipe))
    return entry.recipe == on_path(case, codec, encoder).recipe.sha256


def orphan_notes(folder: Path, case_of: Callable[[str], Case | None], cache: Path) -> Iterator[Finding]:
    """A note for each golden file that holds values which no recipe and sample of today can ask for, or is of no case
    and no test of the team's.

    `case_of` gives a case by its name, None where there is none.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        return
    from ...media.golden import load

    for file in files:
        try:
            case = case_of(file.stem)
            if case is None:
                if _is_forgotten(file):
                    yield Finding(
                        f"golden/{file.name} holds values of a case that isn't there",
                        severity=Severity.NOTE,
                        file=str(file),
                        evidence="golden values without a case",
                        fix="Remove the file, or bring the case back: cases/NAME.yaml, or golden.check in a test.",
                    )
                continue
            sample = _sha256(sample_file(case.sample, cache))
            old = [entry for entry in load(file).entries if not _is_asked_for(entry, case, sample)]
        except MediaImageError:  # the case itself tells it
            continue
        if old:
            yield Finding(
                f"golden/{file.name} holds values for {len(old)} older recipe{'s' if len(old) > 1 else ''} or sample"
                f"{'s' if len(old) > 1 else ''}, which nothing asks for",
                severity=Severity.NOTE,
                file=str(file),
                evidence="orphaned golden values",
                fix=f"Run with -k transcode.{case.name} --media-update-golden: that drops them.",
            )


_TESTS_LOOKED_AT = 5000


def _is_forgotten(file: Path) -> bool:
    """Whether no test beside or below the policy asks for it. Where one puts a name together, that can't be told."""
    tests = (path for path in file.parent.parent.rglob("*.py") if "site-packages" not in path.parts)
    for number, path in enumerate(tests):
        try:
            text = path.read_bytes()
            names = _asked_for(text) if b"golden" in text else set()
        except (OSError, SyntaxError, ValueError, RecursionError):
            return False
        if number >= _TESTS_LOOKED_AT or file.stem in names or None in names:
            return False
    return True


def _asked_for(text: bytes) -> set[object]:
    """The names in `golden.check(result, "name")` of a module; None for what is no plain text."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    found: set[object] = set()
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "check" and "golden" in ast.unparse(call.func):
            name = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "name")]
            found.add(name[0].value if name and isinstance(name[0], ast.Constant) else None)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
