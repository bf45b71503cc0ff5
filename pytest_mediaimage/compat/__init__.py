"""Other tools' files, honoured: container-structure-test's YAML and JSON, and dive's `.dive-ci`."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PolicyError
from ..policy import Policy

if TYPE_CHECKING:
    from .tests import CompatTest

DIVE_NAME = ".dive-ci"
_STRUCTURE_SUFFIXES = (".yaml", ".yml", ".json")
_SCHEMA_KEY = re.compile(rb"""^\s*[{,]?\s*["']?schemaVersion["']?\s*:""", re.MULTILINE)
# Such files are written by hand.
_MOST_BYTES = 250_000


@dataclass(frozen=True, slots=True)
class ForeignFiles:
    """`directory` is where pytest was started."""

    policy: Policy
    directory: Path

    def named(self) -> list[Path]:
        """The files that the policy names. Raises PolicyError for one that isn't there."""
        found: dict[Path, None] = {}
        for pattern in self.policy.compat_structure:
            # Unlike Path.glob it takes absolute patterns, too.
            matches = sorted(glob.glob(pattern, root_dir=self.policy.directory, recursive=True))  # noqa: PTH207
            if not matches:
                raise self._missing("compat.structure", pattern)
            found |= dict.fromkeys((self.policy.directory / match).resolve() for match in matches)
        if (dive := self._dive()) is not None:
            if not dive.is_file():
                raise self._missing("compat.dive", self.policy.compat_dive)
            found[dive] = None
        return list(found)

    def _missing(self, key: str, path: str) -> PolicyError:
        return PolicyError(
            f"{key}: there is no file {path}",
            file=self.policy.source,
            remedy=f"Paths are taken from the policy's folder, {self.policy.directory}.",
        )

    def _dive(self) -> Path | None:
        return (self.policy.directory / self.policy.compat_dive).resolve() if self.policy.compat_dive else None

    def hold(self, path: Path) -> bool:
        """Whether a file is one of theirs: by the name `.dive-ci`, or by a `schemaVersion` in YAML or JSON."""
        if self._is_dive(path):
            return True
        if path.suffix not in _STRUCTURE_SUFFIXES:
            return False
        try:
            with path.open("rb") as file:
                return _SCHEMA_KEY.search(file.read(_MOST_BYTES)) is not None
        except OSError:
            return False

    def _is_dive(self, path: Path) -> bool:
        return path.name == DIVE_NAME or path.resolve() == self._dive()

    def tests(self, path: Path, name: str) -> list[CompatTest]:
        """The tests in a file, which messages call `name`. Raises PolicyError with file and line."""
        from .dive import parse_rules
        from .structure import parse_structure
        from .structure_checks import checks_of

        data = _read(path, name)
        if self._is_dive(path):
            return parse_rules(data, name)
        return list(checks_of(parse_structure(data, name, is_json=path.suffix == ".json"), self.directory))


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"the file can't be read: {error.strerror or error}", file=name) from error
    if len(data) > _MOST_BYTES:
        raise PolicyError(f"larger than {_MOST_BYTES} bytes: no such file is", file=name)
    return data
