"""`size.path`, `size.files`: what a container sees below a path, and how many paths it sees at all."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...image.entries import FILE
from ...image.tree import Node
from ...result import Finding, Severity, format_bytes
from ..blame import LISTED, directory_of, file_lines
from ..context import Context
from ..registry import check

_FIX = "Leave out what isn't needed to run, or raise the budget of this path in the policy."


@dataclass(slots=True)
class _Budget:
    """A path or glob, its budget, and the contents found below it: (layer, ordinal) to path and length."""

    pattern: str
    limit: int
    matches: re.Pattern[str]
    files: dict[tuple[int, int], tuple[str, int]] = field(default_factory=dict)
    there: bool = False

    @property
    def total(self) -> int:
        return sum(length for _, length in self.files.values())

    def see(self, node: Node, path: str) -> None:
        if self.matches.match(path):
            self.there = True
            if node.type == FILE:
                self.files.setdefault(node.content, (path, node.entry.size))


@check(
    "size.path",
    fails="more bytes below a path than the policy's budget for it",
    why="A total hides who grows: a team's own application, its models or its codecs have budgets of their own.",
)
def path(context: Context) -> Iterator[Finding]:
    budgets = [_Budget(pattern, limit, _below(pattern)) for pattern, limit in sorted(context.policy.size_paths.items())]
    if not budgets:
        context.measure(0, unit="paths")
        return
    for node in context.image.tree:
        absolute = f"/{node.path}"
        for budget in budgets:
            budget.see(node, absolute)
    tightest = max(budgets, key=lambda budget: (budget.total - budget.limit, budget.total))
    context.measure(tightest.total, budget=tightest.limit, unit="bytes")
    for budget in budgets:
        if not budget.there:
            yield Finding(
                f"nothing lies at {budget.pattern}: its budget guards nothing",
                severity=Severity.NOTE,
                file=budget.pattern,
                evidence="nothing there",
                fix="Mend the path in size.paths, or take it out.",
            )
        elif budget.total > budget.limit:
            heaviest = [(length, name, layer) for (layer, _), (name, length) in budget.files.items()]
            yield context.finding(
                f"{budget.pattern} holds {format_bytes(budget.total)}, {format_bytes(budget.total - budget.limit)} "
                f"over its budget of {format_bytes(budget.limit)}; the heaviest files:"
                f"{file_lines(heaviest, context.image)}",
                file=budget.pattern,
                layer=max(heaviest)[2],
                bytes=budget.total - budget.limit,
                evidence="over its budget",
                fix=_FIX,
            )


def _below(pattern: str) -> re.Pattern[str]:
    """What a glob names and everything below it; `*` crosses slashes, as in every glob of a policy."""
    bare = pattern.rstrip("/") or "/*"
    return re.compile(f"{fnmatch.translate(bare)}|{fnmatch.translate(f'{bare}/*')}")


@check(
    "size.files",
    fails="more files, directories and links than the budget",
    why="Each is an inode to make on every node: small files unpack far slower than their bytes say.",
)
def files(context: Context) -> Iterator[Finding]:
    count = len(context.image.tree)
    budget = context.policy.size_files
    context.measure(count, budget=budget, unit="files")
    if budget is None or count <= budget:
        return
    below: Counter[str] = Counter()
    layers: Counter[int] = Counter()
    for node in context.image.tree:
        below[directory_of(node.path)] += 1
        layers[node.layer] += 1
    crowded = "".join(f"\n  {number:>9}  {directory}" for directory, number in below.most_common(LISTED))
    yield context.finding(
        f"{count} files, directories and links, {count - budget} more than the budget of {budget}; "
        f"the fullest directories:{crowded}",
        layer=layers.most_common(1)[0][0],
        evidence="files",
        fix="Leave out what isn't needed to run: caches, tests, documentation, development files.",
    )
