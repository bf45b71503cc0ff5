"""The checks as pytest items, below a file node that stands for the policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import EnvironmentFault, MediaImageError
from .result import Result, Status

if TYPE_CHECKING:
    from .checks.planning import Planned
    from .checks.subject import Subject
    from .session import MediaSession


class CheckFailed(AssertionError):
    """A check found errors in the image."""


class CheckBroken(MediaImageError):
    """A check could not be carried out, and the image or its files are the reason."""


class EnvironmentBroken(EnvironmentFault):
    """A check could not be carried out, and the machine is the reason."""


class PolicyFile(pytest.File):
    """The policy, packaged or a team's own; its items are the checks that it asks for."""

    opened: MediaSession

    def collect(self) -> Iterator[CheckItem]:
        for subject in self.opened.subjects:
            for planned in self.opened.planned:
                path = f"-{planned.hardware_path}" if planned.hardware_path else ""
                name = f"{planned.check.id}[{subject.id}{path}]"
                yield CheckItem.from_parent(
                    self,
                    name=name,
                    # pytest's --lf compares ids as text; the packaged policy lies outside of the root directory.
                    nodeid=f"{self.nodeid}::{name}",
                    opened=self.opened,
                    planned=planned,
                    subject=subject,
                )


class CheckItem(pytest.Item):
    """One check on one image, platform and hardware path."""

    reads_layers = True

    def __init__(self, *, opened: MediaSession, planned: Planned, subject: Subject, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subject = subject
        self._opened = opened
        self._planned = planned
        self._result: Result | None = None

    @property
    def check_id(self) -> str:
        return self._planned.check.id

    @property
    def runs_ahead(self) -> bool:
        """Whether part of it may run before its turn, and beside such a part of others."""
        return self._planned.check.ahead is not None

    @property
    def order(self) -> tuple[Planned, Subject]:
        """What is run."""
        return self._planned, self.subject

    @property
    def wants_sbom(self) -> bool:
        return self.check_id.startswith("sbom.")

    def runtest(self) -> None:
        result = self._result = self._opened.run(self._planned, self.subject)
        self.user_properties += _properties(result, self.subject)
        if result.status is Status.SKIPPED:
            pytest.skip(result.reason)
        if result.status is Status.ERROR:
            raise EnvironmentBroken(result.reason) if result.environment else CheckBroken(result.reason)
        if result.status is Status.FAILED:
            raise CheckFailed(self._opened.failure_text(self._planned.check, result, self.subject))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, (CheckFailed, MediaImageError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        # With -v pytest rewrites dots to colons in what ends the node id; an id with dots must stay as it is.
        return self.path, None, f"check {self.name}"

    def amend(self, report: pytest.TestReport) -> None:
        """Put the result into the report, so that it crosses from a worker to the process that reports."""
        if self._result is None or report.when != "call":
            return
        report.media_result = self._result.to_json()  # type: ignore[attr-defined]
        if self._result.status is Status.SKIPPED:
            report.longrepr = (self.nodeid.partition("::")[0], 0, f"Skipped: {self._result.reason}")
        elif self._result.status is Status.ERROR:
            # The image was not judged: what broke belongs to the test's setup, so that every reader of the report
            # (terminal, JUnit XML) counts an error and not a failure.
            report.when = "setup"


def tell_why_once(report: pytest.TestReport, told: set[str]) -> None:
    """Take from a failure the lines on why its check matters, where an earlier one has `told` the same."""
    before, why, after = str(report.longrepr).rpartition("\n\nwhy it matters: ")
    if why and after in told:
        report.longrepr = before
    told.add(after)


def _properties(result: Result, subject: Subject) -> Iterator[tuple[str, object]]:
    """What JUnit XML tells of a check beside its outcome; what there isn't is left out."""
    yield "check", result.check
    yield "image", result.image
    yield "digest", str(subject.image.digest)
    yield "platform", result.platform
    for name in ("hardware_path", "measured", "budget", "unit"):
        if (value := getattr(result, name)) not in (None, ""):
            yield name, value


def collect_checks(session: pytest.Session, opened: MediaSession, chosen: Sequence[str]) -> list[pytest.Item]:
    """The items of the policy: all, or those that `chosen` names by id.

    Raises pytest.UsageError for an id that isn't there.
    """
    file = PolicyFile.from_parent(session, path=opened.policy_path, nodeid=opened.policy_node)
    file.opened = opened
    items = [item for item in session.genitems(file) if isinstance(item, pytest.Item)]
    ids = [arg.partition("::")[2] for arg in chosen]
    if not ids or "" in ids:
        return items
    wanted = set(ids)
    kept = [item for item in items if item.name in wanted or item.name.partition("[")[0] in wanted]
    missing = wanted - {item.name for item in kept} - {item.name.partition("[")[0] for item in kept}
    if missing:
        raise pytest.UsageError(f"not found: {opened.policy_node}::{min(missing)} (--collect-only lists what there is)")
    return kept


def is_policy_argument(arg: str, opened: MediaSession, directory: Path) -> bool:
    """Whether a command line argument names the policy, or a check in it."""
    file, _, check = arg.partition("::")
    if opened.policy_file is None:
        return file == opened.policy_node and (bool(check) or not (directory / file).exists())
    return file == opened.policy_node or (directory / file).resolve() == opened.policy_file.resolve()


def following(item: CheckItem, nextitem: pytest.Item | None, most: int, *, distributed: bool) -> list[CheckItem]:
    """The items that come after `item` and may be begun now: up to the first that may not run beside others.

    A worker of pytest-xdist holds all items of the run, and is given some; of those it knows the next alone.
    """
    items: Iterable[pytest.Item | None]
    items = [nextitem] if distributed else islice(item.session.items, item.session.items.index(item) + 1, None)
    may = takewhile(lambda one: isinstance(one, CheckItem) and one.runs_ahead, items)
    return [one for one in islice(may, most) if isinstance(one, CheckItem)]


def subjects_with_checks(items: Iterable[pytest.Item]) -> list[Subject]:
    """Without doubles, in the order of the items."""
    checks = (item for item in items if isinstance(item, CheckItem) and item.reads_layers)
    return list({id(item.subject): item.subject for item in checks}.values())


def subjects_that_want_an_sbom(items: Iterable[pytest.Item]) -> list[Subject]:
    """Without doubles, in the order of the items."""
    found: dict[int, Subject] = {}
    for item in items:
        if isinstance(item, CheckItem) and item.wants_sbom:
            found[id(item.subject)] = item.subject
        elif "media_sbom" in getattr(item, "fixturenames", ()):
            callspec = getattr(item, "callspec", None)
            subject = callspec.params.get("media_subject") if callspec else None
            if subject is not None:
                found[id(subject)] = subject
    return list(found.values())
