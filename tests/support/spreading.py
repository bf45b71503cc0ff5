"""Which tests pytest-xdist gives to one worker: those of a file, and all that use a container engine.

xdist's own groups are told by a suffix of the tests' ids, which pytest 9.2 no longer lets it change. So each worker
writes down which tests are the engine's, and the process that gives out the tests reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScopeScheduling

ENGINE = "the engine's"


def write_down(folder: Path, tests: Iterable[str]) -> None:
    """Every worker has collected the same."""
    new = folder / f"engine.{os.getpid()}"
    new.write_text(json.dumps(list(tests)))
    new.replace(folder / "engine.json")


class ByFile(LoadScopeScheduling):
    """Files whole, so that what a module's fixtures make is made once; in the order of collection.

    The engine's tests are a group over all files: they load, tag and remove images, some of them the same ones.
    """

    def __init__(self, config: Any, log: Any, folder: Path) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of tests, which says little of how long they take
        self._folder = folder

    @cached_property
    def _engine(self) -> frozenset[str]:
        return frozenset(json.loads((self._folder / "engine.json").read_text()))

    def _split_scope(self, nodeid: str) -> str:
        return ENGINE if nodeid in self._engine else nodeid.partition("::")[0]
