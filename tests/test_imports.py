"""Who may import whom: read from the source of every module, imports inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pytest_mediaimage

PACKAGE = "pytest_mediaimage"
SOURCE = Path(pytest_mediaimage.__file__).parent

EVERYONE = {"__init__", "errors", "result", "storage", "removal"}
"""What every part may import; `__init__` holds the version."""

ALLOWED: dict[str, set[str]] = {
    # pytest's door
    "plugin": {"pytest", "hookspecs", "fixtures", "run", "session"},
    "hookspecs": {"pytest"},
    "run": {"pytest", "items", "compat_items", "session", "instead"},
    "items": {"pytest", "session"},
    "compat_items": {"pytest", "items", "session"},
    "fixtures": {"pytest", "run", "session", "under_test", "media"},
    "under_test": {"session", "checks", "media", "runtime"},
    # one run
    "session": {"policy", "checks", "compat", "report"},
    "instead": {"session", "policy", "checks", "report"},
    "policy": set(),
    "report": set(),
    "checks": {"policy", "image", "media", "ffmpeg", "sbom", "runtime"},
    "compat": {"checks", "policy", "image", "runtime"},
    # the parts that don't know each other
    "image": {"engine"},
    "media": set(),
    "ffmpeg": set(),
    "sbom": {"ffmpeg"},
    "runtime": {"engine"},
    # what all rest on
    "engine": set(),
    "__init__": set(),
    "errors": set(),
    "result": set(),
    "storage": set(),
    "removal": set(),
}
"""Module or package of ours -> what it may import of ours, and whether it may import pytest."""

ALLOWED_FOR_TYPES: dict[str, set[str]] = {
    "run": {"_pytest"},
    "items": {"checks"},
    "fixtures": {"checks", "sbom"},
    "under_test": {"image"},
    "report": {"policy", "checks"},
    "hookspecs": {"checks"},
    "__init__": {"checks"},
}
"""What may be imported besides under `if TYPE_CHECKING:`, where nothing is imported when the program runs."""


class Import(NamedTuple):
    """`part` imports `target`: parts of ours, or `pytest` or `_pytest`."""

    part: str
    target: str
    for_types: bool
    where: str


def imports_of(source: Path) -> Iterator[Import]:
    """Every import that crosses from one part to another, or goes to pytest."""
    for file in sorted(source.rglob("*.py")):
        module = (PACKAGE, *file.relative_to(source).with_suffix("").parts)
        tree = ast.parse(file.read_text(), str(file))
        typing_only = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
            for statement in node.body
            for inner in ast.walk(statement)
        }
        for node in ast.walk(tree):
            for name in _names(node, module):
                target = _part(name)
                if target is not None and target != module[1]:
                    where = f"{file.relative_to(source.parent)}:{getattr(node, 'lineno', 0)}"
                    yield Import(module[1], target, node in typing_only, where)


def _names(node: ast.AST, module: tuple[str, ...]) -> Iterator[str]:
    """The absolute dotted names that a statement imports; `from a import b` gives `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = ".".join(module[: len(module) - node.level]) if node.level else ""
        whole = ".".join(filter(None, (base, node.module)))
        yield from (f"{whole}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def _part(name: str) -> str | None:
    first, *rest = name.split(".")
    if first in ("pytest", "_pytest"):
        return first
    if first != PACKAGE:
        return None
    return rest[0] if rest and rest[0] in ALLOWED else "__init__"


def faults(source: Path) -> list[str]:
    """A line for each import that the tables forbid, and for each part that they don't know."""
    parts = {path.stem for path in source.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    found = [f"{part} is missing in the table ALLOWED" for part in sorted(parts - ALLOWED.keys())]
    for part, target, for_types, where in imports_of(source):
        allowed = EVERYONE | ALLOWED.get(part, set()) | (ALLOWED_FOR_TYPES.get(part, set()) if for_types else set())
        if target not in allowed:
            found.append(f"{where}: {part} imports {target}")
    return found


def test_import_directions() -> None:
    assert faults(SOURCE) == []


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("image/tar.py", "import pytest", "image imports pytest"),
        ("image/tar.py", "from ..media import judge", "image imports media"),
        ("image/tar.py", "from .. import media", "image imports media"),
        ("image/sources/docker.py", "from ...runtime.base import Container", "image imports runtime"),
        ("engine/connect.py", "from ..image.digest import Digest", "engine imports image"),
        ("media/judge.py", "from ..engine.http import EngineHttp", "media imports engine"),
        ("media/judge.py", "import pytest_mediaimage.checks.size", "media imports checks"),
        ("media/judge.py", "from pytest_mediaimage.image.tar import read", "media imports image"),
        ("ffmpeg/__init__.py", "from ..sbom import merge", "ffmpeg imports sbom"),
        ("sbom/bom.py", "def f():\n    from ..image import tar", "sbom imports image"),
        ("runtime/base.py", "if TYPE_CHECKING:\n    from ..image.image import Image", "runtime imports image"),
        ("runtime/base.py", "importlib.import_module('pytest_mediaimage.session')", "runtime imports session"),
        ("checks/size.py", "from ..session import MediaSession", "checks imports session"),
        ("checks/size.py", "import pytest", "checks imports pytest"),
        ("report/text.py", "from ..checks.registry import Check", "report imports checks"),
        ("policy/load.py", "from ..checks.planning import known_ids", "policy imports checks"),
        ("plugin.py", "from .checks.planning import plan", "plugin imports checks"),
        ("session.py", "from .image.image import Image", "session imports image"),
        ("plugin.py", "from _pytest.config import Config", "plugin imports _pytest"),
        ("run.py", "from _pytest.terminal import TerminalReporter", "run imports _pytest"),
        ("errors.py", "from .session import Options", "errors imports session"),
        ("novelty.py", "", "novelty is missing in the table ALLOWED"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, file: str, line: str, fault: str) -> None:
    path = tmp_path / PACKAGE / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "__init__.py").touch()
    path.write_text(line + "\n")
    assert [found.rpartition(": ")[2] for found in faults(tmp_path / PACKAGE)] == [fault]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("image/tar.py", "from ..errors import CorruptImage"),
        ("image/tar.py", "import numpy, docker, pytest_benchmark"),
        ("sbom/bom.py", "from .. import __version__"),
        ("runtime/docker.py", "from ..engine.connect import connect_docker"),
        ("sbom/bom.py", "from ..ffmpeg import read_identity"),
        ("report/text.py", "if TYPE_CHECKING:\n    from ..checks.registry import Check"),
        ("run.py", "if TYPE_CHECKING:\n    from _pytest.terminal import TerminalReporter"),
    ],
)
def test_an_allowed_import_is_not(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / PACKAGE / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    assert faults(tmp_path / PACKAGE) == []
