"""One run: the images under test, the policy, what is planned, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .checks import Check, Planned, known_ids, plan
from .checks.context import Context
from .checks.opening import open_subjects
from .checks.registry import run_check
from .checks.workbench import FACTS_LIMIT, Workbench, default_cache_directory
from .errors import EnvironmentFault, MediaImageError, UsageError
from .policy import Policy, load_policy, load_preset, override
from .report import json_report, parse_destination
from .report.listing import listing
from .report.progress import ProgressLine
from .report.terminal import Terminal, write_summary
from .report.text import failure_text
from .result import Result, Status, format_bytes

if TYPE_CHECKING:
    from .checks.subject import Subject

POLICY_NAME = "mediaimage.yaml"

EXIT_ENVIRONMENT = 10
"""Only the environment failed: retry."""
EXIT_REQUIRED_SKIPPED = 11
"""A check that the policy requires was skipped."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for on the command line.

    `root` is pytest's root directory, where a policy is looked for; `directory` is where pytest was started.
    """

    images: tuple[str, ...]
    root: Path
    directory: Path
    platforms: tuple[str, ...] = ()
    policy: Path | None = None
    runtime: str = "auto"
    static: bool = False
    update_golden: bool = False
    reports: tuple[str, ...] = ()
    cache: Path | None = None


@dataclass(eq=False)
class MediaSession:
    """Everything that one process of a run shares. `results` fills in the process that reports."""

    options: Options
    policy: Policy
    policy_file: Path | None
    bench: Workbench
    subjects: Sequence[Subject]
    planned: Sequence[Planned]
    reports: Sequence[tuple[str, Path]]
    results: list[Result] = field(default_factory=list)
    environment_failures: int = 0
    other_failures: int = 0

    @classmethod
    def open(cls, options: Options) -> MediaSession:
        """Read the policy and open every image.

        Raises UsageError (reference, platform, policy, report), CorruptImage, or EnvironmentFault.
        """
        policy, file = read_policy(options)
        reports = [parse_destination(text, options.directory) for text in options.reports]
        bench = Workbench(
            cache=options.cache or default_cache_directory(),
            runtime_name=options.runtime,
            static=options.static,
            golden_folder=policy.directory / "golden",
            update_golden=options.update_golden,
        )
        planned = plan(policy)
        subjects = open_subjects(bench, options.images, options.platforms)
        return cls(options, policy, file, bench, subjects, planned, reports)

    @property
    def policy_path(self) -> Path:
        """The policy's file, or where a team would put one."""
        return self.policy_file or self.options.root / POLICY_NAME

    @property
    def policy_node(self) -> str:
        """The policy's part of a node id: its path below the root, or its name where it lies elsewhere."""
        if self.policy_file is None:
            return POLICY_NAME
        try:
            return self.policy_file.resolve().relative_to(self.options.root.resolve()).as_posix()
        except ValueError:
            return self.policy_file.name

    def header(self) -> list[str]:
        """What is tested, how it is run, by which policy; and where what is learnt is kept."""
        images = ", ".join(self._named(subject) for subject in self.subjects)
        count, length = self.bench.facts.usage()
        return [
            f"media image: {images}; runtime: {self._runtime()}; policy: {self.policy.source}",
            f"media image cache: {self.bench.cache} (facts of {count} layers, "
            f"{format_bytes(length)} of {format_bytes(FACTS_LIMIT)})",
        ]

    @staticmethod
    def _named(subject: Subject) -> str:
        """The image, its platform, and the digests that say which it is."""
        image = subject.image
        index = f" of index {image.index_digest[:19]}" if image.index_digest else ""
        return f"{subject.label} ({subject.platform}, {image.digest[:19]}{index})"

    def _runtime(self) -> str:
        if self.options.static:
            return "none (--media-static)"
        try:
            runtime = self.bench.runtime
        except EnvironmentFault:
            return "none available"
        return f"{runtime.name} {runtime.version}"

    def reap(self) -> Sequence[str]:
        """Remove what killed runs left behind; a line for each thing."""
        return self.bench.reap()

    def read_layers(self, subjects: Iterable[Subject], terminal: TextIO | None) -> None:
        """Read what isn't known of the subjects' layers yet, its progress told on `terminal`.

        What goes wrong shows in each check that needs them.
        """
        progress = ProgressLine(terminal) if terminal else None
        for subject in subjects:
            subject.image.read(progress)

    def prune_cache(self) -> None:
        """Keep the cache within its limits."""
        self.bench.prune_cache()

    def run(self, planned: Planned, subject: Subject) -> Result:
        return run_check(planned.check, Context(subject, self.policy, planned.hardware_path))

    def run_with(self, check_id: str, subject: Subject, arguments: dict[str, Any]) -> tuple[Check, Result]:
        """A check with settings of the caller's, as `media_image.check` asks for. Raises UsageError."""
        for planned in self.planned:
            if planned.check.id == check_id:
                policy = override(self.policy, check_id, arguments)
                return planned.check, run_check(planned.check, Context(subject, policy, planned.hardware_path))
        raise UsageError(f"there is no check {check_id!r}", remedy="`pytest --media-checks` lists them.")

    def add(self, result: Result) -> None:
        self.results.append(result)

    def exit_code(self, code: int) -> int:
        """pytest's exit code, or one of ours: see EXIT_ENVIRONMENT and EXIT_REQUIRED_SKIPPED."""
        if code == 1 and self.environment_failures and not self.other_failures:
            return EXIT_ENVIRONMENT
        if code == 0 and any(result.required and result.status is Status.SKIPPED for result in self.results):
            return EXIT_REQUIRED_SKIPPED
        return code

    def ordered_results(self) -> list[Result]:
        """In the order of the plan, whichever worker was first."""
        order = {(p.check.id, p.hardware_path): index for index, p in enumerate(self.planned)}
        images = {subject.id: index for index, subject in enumerate(self.subjects)}
        return sorted(
            self.results,
            key=lambda r: (images.get(f"{r.image}-{r.platform}", 0), order.get((r.check, r.hardware_path), 0)),
        )

    def take_golden_lines(self) -> list[str]:
        """What was said of golden values since the last call."""
        lines, self.bench.goldens.lines = self.bench.goldens.lines, []
        return lines

    def write_reports(self) -> None:
        """Raises StorageFault where one can't be written."""
        metrics = {"duration": round(sum(result.duration for result in self.results), 3)}
        for _, path in self.reports:
            json_report.write(path, json_report.document(self.subjects, self.ordered_results(), metrics, None))

    def write_summary(self, terminal: Terminal, golden_lines: Sequence[str]) -> None:
        write_summary(terminal, self.ordered_results(), golden_lines, self.reports)

    @staticmethod
    def failure_text(check: Check, result: Result) -> str:
        return failure_text(check, result)

    def close(self) -> None:
        """Stop and remove everything that the run made. May be called twice."""
        for subject in self.subjects:
            subject.close()
        self.bench.close()


def read_policy(options: Options) -> tuple[Policy, Path | None]:
    """The policy in force and its file, None for the packaged preset. Raises PolicyError."""
    # pytest takes the root directory from paths on the command line too, an image's among them: a policy in the
    # directory it was started in must not be passed over for that.
    usual = [folder / POLICY_NAME for folder in (options.root, options.directory)]
    for file in [options.policy] if options.policy else filter(Path.is_file, usual):
        return load_policy(file, known_checks=known_ids()), file
    return load_preset("default", directory=options.directory, known_checks=known_ids()), None


def list_checks(options: Options) -> str:
    """What --media-checks prints. Raises UsageError."""
    policy, _ = read_policy(options)
    return listing([planned.check for planned in plan(policy)], policy)


def report_failure(options: Options, error: MediaImageError) -> None:
    """Write the reports of a run that couldn't begin: no report of an earlier run may be taken for this one's."""
    for text in options.reports:
        try:
            _, path = parse_destination(text, options.directory)
            json_report.write(path, json_report.document((), (), {}, error))
        except MediaImageError:
            continue  # the run already ends with an error
