"""`contents.leftovers`: what installing and building left behind."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...image.analysers import elf, kind
from ...image.entries import FILE, HARDLINK, Entries
from ...result import Finding, Severity, format_bytes
from ..context import Context
from ..many import each
from ..registry import check
from .found import Found, accepts, found, hidden_by
from .leftover_places import CORE, DOCUMENTATION, DROPPINGS, OBJECTS, ORPHANS, PACKAGES, Cause, place_of

# Wheels that stay: Python installs pip from them into virtual environments.
_NEEDED_WHEELS = re.compile(r".*/(?:ensurepip/_bundled|virtualenv/seed/wheels/embed|python-wheels)/.*", re.DOTALL)
# The C library's own object files, which every link needs, and what compilers bring (crtbegin.o): `contents.toolchain`.
_SYSTEM_OBJECTS = re.compile(r"/(?:usr/(?:local/)?)?lib(?:32|64|x32)?/.*", re.DOTALL)
_NOT_BUILT_FOR_HERE = frozenset((190, 247))  # e_machine of CUDA and BPF: loaded when the program runs
_CACHED = re.compile(r"([^/]+?)\.[a-z]+-?\d+[^/]*\.pyc")  # PEP 3147: in a folder __pycache__
# What somebody else packed with a dropping in it isn't this image's doing.
_OF_OTHERS = re.compile(r"^/usr/(?:share|lib)/|/(?:node_modules|site-packages|dist-packages)/")
_WORTH_WHEN_DELETED = 10**6
_DROPPED = frozenset(("ds-store", "apple-double", "vim-swap"))
_KINDS = frozenset(("deb", "rpm", "wheel", "python-bytecode", *_DROPPED))


@dataclass(slots=True)
class _Pile:
    """Files of one cause in one folder: visible bytes by layer, and those that a later layer hides."""

    visible: Counter[int] = field(default_factory=Counter)
    hidden: Counter[int] = field(default_factory=Counter)
    files: int = 0

    @property
    def total(self) -> int:
        return self.visible.total()


_Piles = dict[tuple[Cause, str], _Pile]


@check(
    "contents.leftovers",
    fails="caches and lists of package managers, packages, repositories, build trees, memory dumps, temporary files",
    why="Nothing that runs reads them, and every node pulls and stores them.",
)
def leftovers(context: Context) -> Iterator[Finding]:
    piles = _gather(context)
    totals: Counter[Cause] = Counter()
    for (cause, _), pile in piles.items():
        totals[cause] += pile.total
    context.measure(sum(total for cause, total in totals.items() if cause.warn), budget=0, unit="bytes")
    told = [
        (cause, folder, pile)
        for (cause, folder), pile in sorted(piles.items(), key=lambda pair: -pair[1].total)
        if totals[cause] >= cause.worth and pile.files and pile.total >= cause.worth // 10
    ]
    yield from each(told, lambda one: _told(context, *one, totals), "folders with leftovers")
    yield from _deleted(context, piles)


def _told(context: Context, cause: Cause, folder: str, pile: _Pile, totals: Counter[Cause]) -> Finding:
    serious = cause.warn is not None and totals[cause] >= cause.warn
    count = f"{pile.files} files" if pile.files > 1 else "1 file"
    return context.finding(
        f"{folder}: {cause.name}, {format_bytes(pile.total)} in {count}",
        severity=None if serious else Severity.NOTE,
        layer=pile.visible.most_common(1)[0][0],
        file=folder,
        bytes=pile.total,
        evidence=cause.name,
        fix=cause.fix,
    )


def _deleted(context: Context, piles: _Piles) -> Iterator[Finding]:
    """One note for all that was removed too late; `layers.waste` counts the bytes."""
    late = {key: pile.hidden for key, pile in piles.items() if key[0] is not DOCUMENTATION and pile.hidden}
    total = sum(hidden.total() for hidden in late.values())
    if total < _WORTH_WHEN_DELETED:
        return
    cause, folder = max(late, key=lambda key: late[key].total())
    yield context.finding(
        f"{format_bytes(total)} of leftovers are removed in a later layer but still pulled, most of it {cause.name} "
        f"in {folder} (layers.waste counts them)",
        severity=Severity.NOTE,
        layer=late[cause, folder].most_common(1)[0][0],
        file=folder,
        bytes=total,
        evidence=f"deleted: {cause.name}",
        fix=cause.fix,
    )


def _gather(context: Context) -> _Piles:
    piles: _Piles = defaultdict(_Pile)
    placed: set[tuple[int, int]] = set()
    sources: set[str] = set()
    allowed = accepts(context.policy)

    def add(cause: Cause, folder: str, layer: int, ordinal: int, length: int) -> None:
        pile = piles[cause, folder]
        if hidden_by(context, layer, ordinal) is None:
            pile.visible[layer] += length
            pile.files += 1
        else:
            pile.hidden[layer] += length

    for layer, facts in enumerate(context.image.layer_facts):
        entries = facts.entries
        linked: set[str] | None = None
        for ordinal in entries.of_type(FILE):
            path = entries.path(ordinal)
            if path.endswith(".py"):
                sources.add(path)
            place = place_of(path)
            if place is None or not entries.length(ordinal) or allowed("/" + path):
                continue
            if linked is None:
                linked = _link_targets(entries)
            if path not in linked:  # else its bytes are in use elsewhere
                placed.add((layer, ordinal))
                add(place[0], "/" + place[1], layer, ordinal, entries.length(ordinal))
    for cause, folder, item in _by_content(context, sources):
        if (item.layer, item.ordinal) not in placed:
            add(cause, folder, item.layer, item.ordinal, item.length)
    return piles


def _link_targets(entries: Entries) -> set[str]:
    return {entries.link(ordinal) for ordinal in entries.of_type(HARDLINK)}


def _by_content(context: Context, sources: set[str]) -> Iterator[tuple[Cause, str, Found]]:
    """The cause, the folder or file to name, and the file, of what is told by what it is, wherever it lies."""
    for item in found(context, kind.NAME, _KINDS.__contains__):
        folder = item.path.rpartition("/")[0] or "/"
        if item.fact in ("deb", "rpm") or (item.fact == "wheel" and not _NEEDED_WHEELS.fullmatch(item.path)):
            yield PACKAGES, folder, item
        elif item.fact in _DROPPED and not _OF_OTHERS.search(item.path):
            yield DROPPINGS, _top(item.path), item
        elif item.fact == "python-bytecode" and _is_orphan(context, item.path, sources):
            yield ORPHANS, _top(item.path), item
    for item in found(context, elf.NAME, lambda fact: fact.get("type") in ("core", "rel")):
        if item.fact["type"] == "core":
            yield CORE, item.path, item
        elif item.fact.get("e_machine") not in _NOT_BUILT_FOR_HERE and _is_built(item.path):
            yield OBJECTS, _top(item.path), item


def _is_orphan(context: Context, path: str, sources: set[str]) -> bool:
    """Whether it is bytecode of a source that isn't there, under no name of its folder either."""
    folder, found_, name = path[1:].rpartition("__pycache__/")
    match = _CACHED.fullmatch(name) if found_ else None
    if match is None or (source := f"{folder}{match[1]}.py") in sources:
        return False
    return context.image.tree.resolve("/" + source) is None


def _is_built(path: str) -> bool:
    return path.endswith(".o") and not _SYSTEM_OBJECTS.fullmatch(path)


def _top(path: str) -> str:
    """The first two folders of an absolute path: a build tree has many below them."""
    return "/".join(path.split("/")[:3]) if path.count("/") > 2 else path.rpartition("/")[0] or "/"
