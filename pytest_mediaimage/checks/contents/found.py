"""What analysers found in an image, as the checks of this family want it: without what the policy allows."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...policy import Policy
from ..context import Context


@dataclass(frozen=True, slots=True)
class Found:
    """A file that an analyser has something to say about; `path` is absolute, `length` in bytes."""

    layer: int
    ordinal: int
    path: str
    length: int
    fact: Any


def found(context: Context, analyser: str, wanted: Callable[[Any], bool] | None = None) -> Iterator[Found]:
    """What this analyser found in every layer, deleted files included, but not what `contents.allow` names.

    `wanted` tells which facts: there may be one for nearly every file.
    """
    allowed = accepts(context.policy)
    for layer, facts in enumerate(context.image.layer_facts):
        entries = facts.entries
        for ordinal, fact in facts.found.get(analyser, {}).items():
            if wanted is not None and not wanted(fact):
                continue
            path = "/" + entries.path(ordinal)
            if not allowed(path):
                yield Found(layer, ordinal, path, entries.length(ordinal), fact)


def accepts(policy: Policy) -> Callable[[str], bool]:
    """Tells whether `contents.allow` names a path."""
    if not policy.contents_allow:
        return lambda path: False
    globs = re.compile("|".join(fnmatch.translate(glob) for glob in policy.contents_allow))
    return lambda path: globs.match(path) is not None


def hidden_by(context: Context, layer: int, ordinal: int) -> int | None:
    """The layer, counted from 0, that hides this entry's content; None where a container sees it."""
    return context.image.tree.hidden_by(layer, ordinal)


def still_pulled(context: Context, item: Found) -> str:
    """Words for what can't be seen and travels none the less; empty for what can."""
    by = hidden_by(context, item.layer, item.ordinal)
    return "" if by is None else f", deleted or replaced by layer {by + 1} but still pulled"
