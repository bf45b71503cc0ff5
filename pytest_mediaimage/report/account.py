"""What a run tells, whatever the format of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import MediaImageError

if TYPE_CHECKING:
    from ..checks.planning import Planned
    from ..checks.registry import Check
    from ..checks.subject import Subject
    from ..policy import Policy
    from ..result import Finding, Result
    from .sbom_files import SbomFile


@dataclass(frozen=True, slots=True)
class Account:
    """A run that ended, or with `error` one that couldn't begin: then no image was opened, and nothing was judged.

    `results` are in the order of the plan, image by image. `policy_name` is the policy's path below pytest's root
    directory, there or not; `policy_notes` are about its own entries. `sboms` are the BOMs that were written, by
    subject's id. `planned` are the checks that the policy asks for of each image, with their hardware paths; not all
    have a result where the run was `interrupted`, or where only some were chosen.
    """

    subjects: Sequence[Subject] = ()
    results: Sequence[Result] = ()
    checks: Sequence[Check] = ()
    policy: Policy | None = None
    policy_name: str = "mediaimage.yaml"
    metrics: Mapping[str, Any] = field(default_factory=dict)
    policy_notes: Sequence[Finding] = ()
    sboms: Mapping[str, Sequence[SbomFile]] = field(default_factory=dict)
    planned: Sequence[Planned] = ()
    interrupted: bool = False
    error: MediaImageError | None = None

    def results_of(self, subject: Subject) -> list[Result]:
        return [r for r in self.results if r.image == subject.label and r.platform == str(subject.platform)]

    def not_run(self, subject: Subject) -> int:
        """How many of the planned checks have no result."""
        ran = {(result.check, result.hardware_path) for result in self.results_of(subject)}
        return sum((planned.check.id, planned.hardware_path) not in ran for planned in self.planned)

    def lacking(self, subject: Subject) -> str:
        """Why the image isn't judged whole, "" where it is."""
        interrupted = "the run was interrupted: " if self.interrupted else ""
        if missing := self.not_run(subject):
            return f"{interrupted}{len(self.planned) - missing} of {len(self.planned)} checks ran"
        return interrupted.removesuffix(": ")
