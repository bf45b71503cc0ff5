"""One run: the images under test, the policy, what is planned, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .checks.bom import bom_of
from .checks.context import Context
from .checks.opening import open_subjects
from .checks.planning import Planned, known_ids, left_out, look_over, plan
from .checks.registry import Begun, Check, run_check
from .checks.transcode.ahead import usable_cores
from .checks.transcode.cases import case_named
from .checks.transcode.goldens import orphan_notes
from .checks.transcode.keeping import Keep
from .checks.transcode.sampling import sample_file
from .checks.vulnerabilities import given_report
from .checks.workbench import FACTS_LIMIT, Workbench, default_cache_directory
from .compat import ForeignFiles
from .errors import EnvironmentFault, MediaImageError, StorageFault, UsageError
from .policy import (
    KNOWN_NAME,
    ImageRun,
    Policy,
    Ratchet,
    ignore_notes,
    image_name,
    load_policy,
    load_preset,
    override,
)
from .report import Account, is_sbom, parse_destination, write
from .report.progress import EncodeLine, ProgressLine
from .report.sbom_files import SbomFile, write_sboms
from .report.terminal import Terminal, write_summary
from .report.text import failure_text
from .result import Finding, Result, Skip, Status, format_bytes

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

    `root` is pytest's root directory, where a policy is looked for; `directory` is where pytest was started;
    `registered` is what the hooks pytest_mediaimage_checks returned, `workers` how many processes share the run.
    """

    images: tuple[str, ...]
    root: Path
    directory: Path
    platforms: tuple[str, ...] = ()
    policy: Path | None = None
    runtime: str = "auto"
    baseline: str = ""
    hardware: tuple[str, ...] = ()
    static: bool = False
    update_golden: bool = False
    known: Path | None = None
    update_known: bool = False
    reports: tuple[str, ...] = ()
    vulnerabilities: Path | None = None
    keep: Path | None = None
    cache: Path | None = None
    workers: int = 1
    registered: Sequence[object] = ()


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
    ratchet: Ratchet
    results: list[Result] = field(default_factory=list)
    environment_failures: int = 0
    other_failures: int = 0
    known_lines: list[str] = field(default_factory=list)
    encodes: EncodeLine | None = None
    interrupted: bool = False
    sboms: Mapping[str, Sequence[SbomFile]] = field(default_factory=dict)
    written: list[tuple[str, Path]] = field(default_factory=list)

    @classmethod
    def open(cls, options: Options) -> MediaSession:
        """Read the policy and open every image.

        Raises UsageError (own checks, reference, platform, policy, reports asked for and given), CorruptImage, or
        EnvironmentFault.
        """
        own = look_over(options.registered)
        policy, file = read_policy(options, own)
        reports = [parse_destination(text, options.directory) for text in options.reports]
        planned = plan(policy, own, options.hardware)
        _require_known(options.hardware, planned)
        ids = known_ids(own) | {item.check.id for item in planned}
        known = Ratchet.open(known_file(options, file), updating=options.update_known, known_checks=ids)
        bench = Workbench(
            cache=options.cache or default_cache_directory(),
            runtime_name=options.runtime,
            static=options.static,
            golden_folder=policy.directory / "golden",
            update_golden=options.update_golden,
            hardware=frozenset(options.hardware),
            cores=usable_cores() // options.workers,
            vulnerabilities=given_report(options.vulnerabilities),
            keep=Keep.open(options.keep),
        )
        subjects = open_subjects(bench, options.images, options.platforms, options.baseline)
        return cls(options, policy, file, bench, subjects, planned, reports, known)

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

    @property
    def foreign(self) -> ForeignFiles:
        """Other tools' files, whose tests are run as checks."""
        return ForeignFiles(self.policy, self.options.directory)

    @staticmethod
    def planned_alone(check: Check) -> Planned:
        """A check that no plan holds."""
        return Planned(check)

    def header(self) -> list[str]:
        """What is tested, how it is run, by which policy; where what is learnt is kept; which cases are left out."""
        images = ", ".join(self._named(subject) for subject in self.subjects)
        count, length = self.bench.facts.usage()
        compared = f"; baseline: {self.options.baseline}" if self.options.baseline else ""
        return [
            f"media image: {images}{compared}; runtime: {self._runtime()}; policy: {self.policy.source}",
            f"media image cache: {self.bench.cache} (facts of {count} layers, "
            f"{format_bytes(length)} of {format_bytes(FACTS_LIMIT)})",
            *(f"media image: {line}" for line in left_out(self.policy)),
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

    def show_encodes(self, terminal: TextIO, room: Callable[[], int]) -> None:
        """Let encodes show how far they are on `terminal`, where `room` columns are left in the line."""
        self.encodes = EncodeLine(terminal, room)
        self.bench.tell = self.encodes.tell

    @property
    def depth(self) -> int:
        """How many of the next checks `run_ahead` has a use for."""
        return self.bench.ahead.depth

    def run_ahead(self, now: tuple[Planned, Subject], following: Iterable[tuple[Planned, Subject]]) -> None:
        """Begin what of the next checks may run beside the one that is run now.

        What can't be begun tells why when its turn comes.
        """
        current, *jobs = (self._ahead(planned, subject) for planned, subject in (now, *following))
        self.bench.ahead.expect(dict(filter(None, jobs)), now=current and current[0])

    def _ahead(self, planned: Planned, subject: Subject) -> Begun | None:
        with suppress(MediaImageError, Skip):
            if planned.check.ahead is not None:
                return planned.check.ahead(Context(subject, self.policy, planned.hardware_path))
        return None

    def run_alone(self) -> None:
        """Wait until nothing runs beside what is about to begin."""
        self.bench.ahead.idle()

    def prune_cache(self) -> None:
        """Keep the cache within its limits."""
        self.bench.prune_cache()

    def run(self, planned: Planned, subject: Subject) -> Result:
        known = self.ratchet.of(self._known_name(subject))
        return run_check(planned.check, Context(subject, self.policy, planned.hardware_path), known)

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
            key=lambda r: (images.get(f"{r.image}-{r.platform}", 0), order.get((r.check, r.hardware_path), len(order))),
        )

    def _known_name(self, subject: Subject) -> str:
        """Under which name its known findings are kept."""
        is_path = subject.image.source not in ("docker", "podman", "registry", "demo")
        folder = self.ratchet.file.path.parent if self.ratchet.file else self.options.directory
        return image_name(subject.reference.location, is_path=is_path, folder=folder.resolve())

    def _image_runs(self) -> dict[str, ImageRun]:
        """The results by the name of the image, whatever its tag and platform."""
        planned: dict[str, set[str | None]] = {}
        for item in self.planned:
            planned.setdefault(item.check.id, set()).add(item.hardware_path)
        names = {subject.id: self._known_name(subject) for subject in self.subjects}
        return {
            name: ImageRun(
                [r for r in self.results if names.get(f"{r.image}-{r.platform}") == name],
                frozenset(str(subject.platform) for subject in self.subjects if names[subject.id] == name),
                {check: frozenset(paths) for check, paths in planned.items()},
                self.policy,
            )
            for name in dict.fromkeys(names.values())
        }

    def update_known(self) -> None:
        """Write the known findings, where that is asked for. Raises PolicyError, StorageFault."""
        self.known_lines = self.ratchet.update(self._image_runs())

    def policy_notes(self) -> list[Finding]:
        """What to do in the policy and in the file of known findings: entries that expired, or aren't needed."""
        runs = self._image_runs()
        return [
            *ignore_notes(self.policy, str(self.policy_file or ""), runs.values()),
            *self.ratchet.notes(runs),
            *orphan_notes(self.bench.golden_folder, partial(case_named, self.policy.directory), self.bench.cache),
        ]

    def take_golden_lines(self) -> list[str]:
        """What was said of golden values since the last call."""
        lines, self.bench.goldens.lines = self.bench.goldens.lines, []
        return lines

    @property
    def sbom_reports(self) -> list[tuple[str, Path]]:
        """The reports that are BOMs."""
        return [(kind, path) for kind, path in self.reports if is_sbom(kind)]

    def write_sboms(self) -> None:
        """Raises what keeps an image from having a BOM, or a BOM from being written; the others are there then."""
        self.sboms, faults = write_sboms(self.sbom_reports, self.subjects, partial(bom_of, self.policy))
        for fault in faults:
            raise fault

    def write_reports(self) -> None:
        """Raises StorageFault where one can't be written; the others are there then."""
        account = Account(
            subjects=self.subjects,
            results=self.ordered_results(),
            checks=list(dict.fromkeys(planned.check for planned in self.planned)),
            policy=self.policy,
            policy_name=self.policy_node,
            metrics={"duration": round(sum(result.duration for result in self.results), 3)},
            policy_notes=self.policy_notes(),
            sboms=self.sboms,
            planned=self.planned,
            interrupted=self.interrupted,
        )
        faults: list[StorageFault] = []
        for kind, path in self.reports:
            try:
                write(kind, path, account)
                self.written.append((kind, path))
            except StorageFault as fault:
                faults.append(fault)
        if faults:
            raise faults[0]

    def write_summary(self, terminal: Terminal, golden_lines: Sequence[str]) -> None:
        reports = [(kind, path) for kind, path in self.written if not is_sbom(kind)]
        reports += [(f"cyclonedx {file.spec_version}", file.path) for files in self.sboms.values() for file in files]
        write_summary(terminal, self.ordered_results(), golden_lines, reports, self.policy_notes(), self.known_lines)

    @staticmethod
    def failure_text(check: Check, result: Result, subject: Subject) -> str:
        return failure_text(check, result, [str(layer.diff_id) for layer in subject.image.layers])

    def close(self) -> None:
        """Stop and remove everything that the run made. May be called twice."""
        for subject in self.subjects:
            subject.close()
        self.bench.close()


def _require_known(hardware: Sequence[str], planned: Sequence[Planned]) -> None:
    """Raises UsageError for a path of --media-hardware that no check is about."""
    known = [item.hardware_path for item in planned if item.check.id == f"hardware.{item.hardware_path}"]
    for name in hardware:
        if name not in known:
            raise UsageError(
                f"--media-hardware: there is no hardware path {name!r}", remedy=f"Known: {', '.join(map(str, known))}."
            )


def read_policy(options: Options, own: Sequence[Check] = ()) -> tuple[Policy, Path | None]:
    """The policy in force and its file, None for the packaged preset; it may name `own` checks. Raises PolicyError."""
    known = known_ids(own)
    # pytest takes the root directory from paths on the command line too, an image's among them: a policy in the
    # directory it was started in must not be passed over for that.
    usual = [folder / POLICY_NAME for folder in (options.root, options.directory)]
    for file in [options.policy] if options.policy else filter(Path.is_file, usual):
        return load_policy(file, known_checks=known), file
    return load_preset("default", directory=options.directory, known_checks=known), None


def find_sample(name: str, cache: Path | None = None) -> Path:
    """A bundled clip by name, or `oras:NAME@sha256:...`. Raises UsageError, CorruptImage or EnvironmentFault."""
    return sample_file(name, cache)


def known_file(options: Options, policy_file: Path | None) -> Path | None:
    """Where the known findings are, or with --media-update-known will be: see --media-known."""
    if options.known:
        return options.known
    for folder in (options.root, options.directory):
        if (folder / KNOWN_NAME).exists():
            return folder / KNOWN_NAME
    if not options.update_known:
        return None
    beside = policy_file.parent if policy_file and not options.policy else options.directory
    return beside / KNOWN_NAME


def report_failure(options: Options, error: MediaImageError) -> None:
    """Write the reports of a run that couldn't begin: no report of an earlier run may be taken for this one's."""
    for text in options.reports:
        try:
            kind, path = parse_destination(text, options.directory)
            write(kind, path, Account(error=error))
        except MediaImageError:
            continue  # the run already ends with an error
