"""Reads policy files: YAML with a line number for every mistake, and presets that are extended."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PolicyError
from .model import Ignore, OwnPath, Policy
from .schema import KEYS, SECTIONS, field_name
from .sense import contradictions
from .units import nearest, shown

if TYPE_CHECKING:
    import yaml

    from .yaml_file import YamlFile

# A policy is written by hand; anything larger isn't one.
_MAX_BYTES = 250_000
_MAX_EXTENDS = 8
PRESETS = ("default", "strict", "edge")
"""Names of the packaged presets."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """A value with its line; `lines` holds those of its items, where it is a list or mapping."""

    value: Any
    line: int
    lines: tuple[int, ...] = ()


def load_policy(path: Path, *, known_checks: frozenset[str] = frozenset()) -> Policy:
    """The policy in `path`, merged over what it extends.

    `known_checks` are the ids that `severity`, `ignore` and `required` may name; empty accepts any.
    Raises PolicyError with file and line.
    """
    return _policy(_Document.read(path), path.name, path.resolve().parent, known_checks, 0)


def parse_policy(text: str, path: Path, *, known_checks: frozenset[str] = frozenset()) -> Policy:
    """The policy that `path` would be if `text` were written to it. Raises PolicyError."""
    return _policy(_Document.parse(text.encode(), path), path.name, path.resolve().parent, known_checks, 0)


def load_preset(name: str, *, directory: Path, known_checks: frozenset[str] = frozenset()) -> Policy:
    """A packaged preset; golden values are then looked for below `directory`."""
    return _policy(_Document.preset(name), f"preset {name}", directory, known_checks, 0)


@dataclass(frozen=True, slots=True)
class _Document:
    """The settings of one file, by dotted key, and what is wrong with the others."""

    file: str
    folder: Path | None
    settings: dict[str, _Setting]
    mistakes: Sequence[PolicyError]

    @classmethod
    def read(cls, path: Path) -> _Document:
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise PolicyError(f"the policy can't be read: {error.strerror or error}", file=path) from error
        if len(data) > _MAX_BYTES:
            raise PolicyError(f"larger than {_MAX_BYTES} bytes: no policy", file=path)
        return cls.parse(data, path)

    @classmethod
    def parse(cls, data: bytes, path: Path) -> _Document:
        return cls(str(path), path.resolve().parent, *_settings(data, str(path)))

    @classmethod
    def preset(cls, name: str) -> _Document:
        resource = resources.files(__package__) / "presets" / f"{name}.yaml"
        return cls(f"preset {name}", None, *_settings(resource.read_bytes(), f"{name}.yaml"))


def _settings(data: bytes, file: str) -> tuple[dict[str, _Setting], list[PolicyError]]:
    """What can be read, and every mistake. Raises PolicyError where it is no mapping in YAML."""
    from .yaml_file import YamlFile

    read = YamlFile(data, file)
    settings: dict[str, _Setting] = {}
    mistakes: list[PolicyError] = []
    for key, line, node in _flat(read, mistakes):
        section, dot, inner = key.partition(".")
        try:
            if key in KEYS or key in ("version", "extends"):
                settings[key] = _setting(read, key, node)
            elif dot:
                siblings = [known.partition(".")[2] for known in KEYS if known.startswith(f"{section}.")]
                raise read.mistake(f"unknown key {shown(inner)} in {section}{nearest(inner, siblings)}", line)
            else:
                raise read.mistake(f"unknown key {shown(key)}{nearest(key, _top_level())}", line)
        except PolicyError as mistake:
            mistakes.append(mistake)
    return settings, mistakes


def _flat(read: YamlFile, mistakes: list[PolicyError]) -> Iterator[tuple[str, int, yaml.Node]]:
    """The keys with those of sections as `section.key`; a section that is none goes to the mistakes."""
    for key, line, node in read.pairs(read.root, "a policy"):
        if key not in SECTIONS:
            yield key, line, node
            continue
        try:
            for inner, inner_line, inner_node in read.pairs(node, key):
                yield f"{key}.{inner}", inner_line, inner_node
        except PolicyError as mistake:
            mistakes.append(mistake)


def _setting(read: YamlFile, name: str, node: yaml.Node) -> _Setting:
    parse: Callable[[Any], Any] = KEYS[name].parse if name in KEYS else _version if name == "version" else _extends
    return _Setting(read.value(node, name, parse), read.line(node), read.lines(node))


def _version(value: Any) -> int:
    if type(value) is not int or value != 1:
        raise ValueError(f"{shown(value)} isn't known; write version: 1")
    return value


def _extends(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is neither the name of a preset nor a path")
    return value


def _top_level() -> list[str]:
    return sorted({"version", "extends", *(key.partition(".")[0] for key in KEYS)})


def _policy(document: _Document, source: str, directory: Path, known: frozenset[str], depth: int) -> Policy:
    if mistakes := [*document.mistakes, *_unknown_checks(document, known), *_contradictions(document)]:
        raise PolicyError.together(mistakes)
    parent = _parent(document, directory, known, depth)
    values = {field.name: getattr(parent, field.name) for field in fields(Policy)}
    severity = dict(parent.severity)
    for name, setting in document.settings.items():
        if name in ("version", "extends", "severity", "ignore"):
            continue
        values[field_name(name)] = setting.value
        if KEYS[name].budget:
            severity.pop(KEYS[name].check, None)
    own = document.settings.get("severity")
    values["severity"] = {**severity, **(own.value if own else {})}
    values["ignore"] = (*parent.ignore, *_ignores(document))
    values["own"] = parent.own | (frozenset(document.settings) if document.folder else frozenset())
    return Policy(**{**values, "source": source, "directory": directory})


def _ignores(document: _Document) -> Iterator[Ignore]:
    """The document's own entries, which know where they stand."""
    setting = document.settings.get("ignore")
    if setting is not None:
        for entry, line in zip(setting.value, setting.lines, strict=True):
            yield replace(entry, file=document.file, line=line)


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
    try:
        there = path.is_file()
    except OSError:  # a name too long, or a folder that this user may not enter
        there = False
    if not there:
        raise PolicyError(
            f"extends: {shown(name)} is neither a preset ({', '.join(PRESETS)}) nor a file",
            file=document.file,
            line=setting.line,
        )
    return _policy(_Document.read(path), path.name, directory, known, depth + 1)


def _own_paths(document: _Document) -> frozenset[str]:
    """The checks of the hardware paths that the document declares."""
    setting = document.settings.get("transcode.paths")
    paths = setting.value if setting else {}
    return frozenset(f"hardware.{name}" for name, path in paths.items() if isinstance(path, OwnPath))


def _contradictions(document: _Document) -> Iterator[PolicyError]:
    """Settings that can't hold together, where each for itself is right."""
    if not document.mistakes:
        for line, words, remedy in contradictions(document.settings):
            yield PolicyError(words, file=document.file, line=line, remedy=remedy)


def _unknown_checks(document: _Document, known: frozenset[str]) -> Iterator[PolicyError]:
    """A misspelt check id would silently change nothing."""
    if not known:
        return
    cases = document.settings.get("transcode.cases")
    known |= {f"transcode.{name}" for name in (cases.value if cases else ())}  # a team's own among them
    known |= _own_paths(document)
    for key in ("severity", "required", "ignore"):
        setting = document.settings.get(key)
        if setting is None:
            continue
        named = [entry.check for entry in setting.value] if key == "ignore" else list(setting.value)
        for check, line in zip(named, setting.lines, strict=True):
            if document.mistakes and check.startswith(("transcode.", "hardware.")):
                continue  # which of these there are may stand where a mistake is
            pattern = key != "severity" and any(c in check for c in "*?[")
            if check not in known and not (pattern and fnmatch.filter(known, check)):
                hint = nearest(check, sorted(known))
                yield PolicyError(
                    f"{key}: unknown check {shown(check)}{hint}",
                    file=document.file,
                    line=line,
                    remedy="" if hint else "`pytest --media-checks` lists them.",
                )
