"""Reads policy files: YAML with a line number for every mistake, and presets that are extended."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PolicyError
from .model import Policy
from .schema import KEYS, SECTIONS

if TYPE_CHECKING:
    import yaml

# A policy is written by hand; anything larger isn't one.
_MAX_BYTES = 1_000_000
_MAX_EXTENDS = 8
PRESETS = ("default",)
"""Names of the packaged presets."""


@dataclass(frozen=True, slots=True)
class _Setting:
    value: Any
    line: int


def load_policy(path: Path, *, known_checks: frozenset[str] = frozenset()) -> Policy:
    """The policy in `path`, merged over what it extends.

    `known_checks` are the ids that `severity`, `ignore` and `required` may name; empty accepts any.
    Raises PolicyError with file and line.
    """
    return _policy(_Document.read(path), path.name, path.resolve().parent, known_checks, 0)


def load_preset(name: str, *, directory: Path, known_checks: frozenset[str] = frozenset()) -> Policy:
    """A packaged preset; golden values are then looked for below `directory`."""
    return _policy(_Document.preset(name), f"preset {name}", directory, known_checks, 0)


@dataclass(frozen=True, slots=True)
class _Document:
    """The settings of one file, by dotted key."""

    file: str
    folder: Path | None
    settings: dict[str, _Setting]

    @classmethod
    def read(cls, path: Path) -> _Document:
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise PolicyError(f"the policy can't be read: {error.strerror or error}", file=path) from error
        if len(data) > _MAX_BYTES:
            raise PolicyError(f"larger than {_MAX_BYTES} bytes: no policy", file=path)
        return cls(str(path), path.resolve().parent, dict(_settings(data, str(path))))

    @classmethod
    def preset(cls, name: str) -> _Document:
        resource = resources.files(__package__) / "presets" / f"{name}.yaml"
        return cls(f"preset {name}", None, dict(_settings(resource.read_bytes(), f"{name}.yaml")))


def _settings(data: bytes, file: str) -> Iterator[tuple[str, _Setting]]:
    import yaml

    # libyaml's loader is the faster one; both give nodes with marks.
    loader = yaml.SafeLoader(data)
    try:
        root = loader.get_single_node()
        if root is None:
            raise PolicyError("the policy is empty", file=file, remedy="Begin with: version: 1")
        for key, node in _pairs(root, file, ""):
            line = node.start_mark.line + 1
            if key in SECTIONS:
                for inner, inner_node in _pairs(node, file, key):
                    yield _setting(loader, f"{key}.{inner}", inner_node, file)
            elif key in KEYS or key in ("version", "extends"):
                yield _setting(loader, key, node, file)
            else:
                raise PolicyError(f"unknown key {key!r}{_hint(key, _top_level())}", file=file, line=line)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise PolicyError(f"no valid YAML: {error.problem or error}", file=file, line=line) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"no valid YAML: {error}", file=file) from error
    except RecursionError as error:
        raise PolicyError("the YAML is nested too deep", file=file) from error
    finally:
        loader.dispose()


def _pairs(node: yaml.Node, file: str, section: str) -> Iterator[tuple[str, yaml.Node]]:
    import yaml

    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError(f"{section or 'a policy'} must be a mapping: {{key: value}}", file=file, line=line)
    seen: dict[str, int] = {}
    for key_node, value in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in seen:
            raise PolicyError(f"{key!r} stands twice (first in line {seen[key]})", file=file, line=line)
        seen[key] = line
        yield key, value


def _setting(loader: yaml.SafeLoader, name: str, node: yaml.Node, file: str) -> tuple[str, _Setting]:
    line = node.start_mark.line + 1
    if name not in KEYS and name not in ("version", "extends"):
        section, _, key = name.partition(".")
        siblings = [known.partition(".")[2] for known in KEYS if known.startswith(section + ".")]
        raise PolicyError(f"unknown key {key!r} in {section}{_hint(key, siblings)}", file=file, line=line)
    value = loader.construct_object(node, deep=True)
    if name == "version":
        if value != 1:
            raise PolicyError(f"version {value!r} isn't known; write version: 1", file=file, line=line)
    elif name == "extends":
        if not isinstance(value, str) or not value:
            raise PolicyError("extends takes the name of a preset or a path", file=file, line=line)
    else:
        try:
            value = KEYS[name].parse(value)
        except ValueError as error:
            raise PolicyError(f"{name}: {error}", file=file, line=line) from error
    return name, _Setting(value, line)


def _top_level() -> list[str]:
    return sorted({"version", "extends", *(key.partition(".")[0] for key in KEYS)})


def _hint(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def _policy(document: _Document, source: str, directory: Path, known: frozenset[str], depth: int) -> Policy:
    _check_ids(document, known)
    parent = _parent(document, directory, known, depth)
    values = {field.name: getattr(parent, field.name) for field in fields(Policy)}
    severity = dict(parent.severity)
    for name, setting in document.settings.items():
        if name in ("version", "extends", "severity", "ignore"):
            continue
        values[name.replace(".", "_")] = setting.value
        if KEYS[name].budget:
            severity.pop(KEYS[name].check, None)
    own = document.settings.get("severity")
    values["severity"] = {**severity, **(own.value if own else {})}
    ignores = document.settings.get("ignore")
    values["ignore"] = (*parent.ignore, *(ignores.value if ignores else ()))
    return Policy(**{**values, "source": source, "directory": directory})


def _parent(document: _Document, directory: Path, known: frozenset[str], depth: int) -> Policy:
    """What the document extends: the preset default, where it doesn't say."""
    if document.folder is None and "extends" not in document.settings:
        return Policy()
    setting = document.settings.get("extends", _Setting("default", 1))
    name: str = setting.value
    if depth >= _MAX_EXTENDS:
        raise PolicyError(f"extends is more than {_MAX_EXTENDS} deep", file=document.file, line=setting.line)
    if name in PRESETS:
        return _policy(_Document.preset(name), name, directory, known, depth + 1)
    path = (document.folder or directory) / name
    if not path.is_file():
        raise PolicyError(
            f"extends: {name!r} is neither a preset ({', '.join(PRESETS)}) nor a file",
            file=document.file,
            line=setting.line,
        )
    return _policy(_Document.read(path), path.name, directory, known, depth + 1)


def _check_ids(document: _Document, known: frozenset[str]) -> None:
    """A misspelt check id would silently change nothing."""
    if not known:
        return
    for key in ("severity", "required", "ignore"):
        setting = document.settings.get(key)
        if setting is None:
            continue
        named = [entry.check for entry in setting.value] if key == "ignore" else list(setting.value)
        for check in named:
            if check not in known and not any(c in check for c in "*?["):
                hint = _hint(check, sorted(known))
                raise PolicyError(f"{key}: unknown check {check!r}{hint}", file=document.file, line=setting.line)
