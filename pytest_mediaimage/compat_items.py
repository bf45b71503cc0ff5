"""Other tools' files as pytest nodes: container-structure-test's, and `.dive-ci`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import UsageError
from .items import CheckItem

if TYPE_CHECKING:
    from .session import MediaSession


class CompatItem(CheckItem):
    """One test of another tool's file on one image and platform."""

    def __init__(self, *, line: int, reads_layers: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._line = line
        self.reads_layers = reads_layers

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self._line - 1, f"test {self.name}"


class CompatFile(pytest.File):
    """A file of another tool; a mistake in it is an error of the collection."""

    opened: MediaSession

    def collect(self) -> Iterator[CompatItem]:
        try:
            tests = self.opened.foreign.tests(self.path, self.nodeid)
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        for subject in self.opened.subjects:
            taken: dict[str, int] = {}
            for test in tests:
                # pytest takes a :: in an id for a border between nodes.
                name = " ".join(test.name.replace("::", ":").split())
                taken[name] = taken.get(name, 0) + 1
                again = f" ({taken[name]})" if taken[name] > 1 else ""
                yield CompatItem.from_parent(
                    self,
                    name=f"{name}{again}[{subject.id}]",
                    opened=self.opened,
                    planned=self.opened.planned_alone(test.check),
                    subject=subject,
                    line=test.line,
                    reads_layers=test.reads_layers,
                )


def collect_named(session: pytest.Session, opened: MediaSession, collected: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The items of the files that the policy names, without those that were collected by their path already.

    Raises pytest.UsageError where one isn't there.
    """
    try:
        paths = opened.foreign.named()
    except UsageError as error:
        raise pytest.UsageError(f"media image: {error}") from None
    there = {item.path.resolve() for item in collected if isinstance(item, CompatItem)}
    items: list[pytest.Item] = []
    for path in paths:
        if path not in there:
            file = collect_foreign(path, session, opened)
            items += [item for item in session.genitems(file) if isinstance(item, pytest.Item)]
    return items


def collect_foreign(path: Path, parent: pytest.Collector, opened: MediaSession) -> CompatFile:
    file: CompatFile = CompatFile.from_parent(parent, path=path)
    file.opened = opened
    return file


def is_argument(path: Path, args: Sequence[str], directory: Path) -> bool:
    """Whether a file is named on the command line, itself or with a test in it."""
    return any((directory / arg.partition("::")[0]).resolve() == path.resolve() for arg in args)
