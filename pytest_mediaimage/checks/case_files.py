"""A team's own transcode cases: `cases/NAME.yaml` beside the policy."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PolicyError
from ..policy.units import nearest, shown
from ..policy.yaml_file import YamlFile

if TYPE_CHECKING:
    import yaml

    from ..media.case import Case, Rule

FOLDER = "cases"
_MAX_BYTES = 1024 * 1024
_KEYS = ("version", "sample", "command", "rules", "needs", "outputs", "extras", "texts", "golden", "fails", "timeout")


def case_file(directory: Path, name: str) -> Path:
    """Where the case of this name lies, for a policy in `directory`."""
    return directory / FOLDER / f"{name}.yaml"


def names(directory: Path) -> list[str]:
    """The names of a team's own cases."""
    return sorted(path.stem for path in (directory / FOLDER).glob("*.yaml"))


def read_case(path: Path) -> Case:
    """The case that a file describes. Raises PolicyError, with the line, for whatever is wrong in it.

    `sample` and the values of `extras` are bundled clips by name, or files beside it.
    """
    from ..media.case import Case, Needs
    from ..media.recipe import recipe_of

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PolicyError(f"a case over {_MAX_BYTES} bytes", file=path.name)
        data = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"{path} can't be read: {error.strerror}", file=path.name) from error
    read = YamlFile(data, f"{FOLDER}/{path.name}", what="the case")
    nodes: dict[str, tuple[int, yaml.Node]] = {}
    for key, line, node in read.pairs(read.root, "a case"):
        if key not in _KEYS:
            raise read.mistake(f"unknown key {shown(key)}{nearest(key, list(_KEYS))}", line)
        nodes[key] = line, node
    for key in ("sample", "command", "rules"):
        if key not in nodes:
            raise read.mistake(f"a case needs {key!r}", 1)

    def value(key: str, wanted: Any, default: Any) -> Any:
        return read.value(nodes[key][1], key, partial(typed, wanted=wanted)) if key in nodes else default

    command = value("command", tuple[str, ...], ())
    text = "\0".join(command)
    if "{input}" not in text or not ("{output}" in text or "{folder}" in text):
        raise read.mistake("command: it needs {input}, and {output} or {folder}", nodes["command"][0])
    needs = {}
    for key, line, node in read.pairs(nodes["needs"][1], "needs") if "needs" in nodes else ():
        fields = [field.name for field in dataclasses.fields(Needs) if field.name != "pix_fmts"]
        if key not in fields:
            raise read.mistake(f"needs: unknown key {shown(key)}{nearest(key, fields)}", line)
        needs[key] = read.value(node, f"needs.{key}", partial(typed, wanted=tuple[str, ...]))
    return Case(
        name=path.stem,
        sample=_sample(path, value("sample", str, "")),
        recipe=recipe_of(list(command)),
        rules=tuple(_rules(read, nodes["rules"][1])),
        needs=Needs(**needs),
        outputs=value("outputs", tuple[str, ...], ("output.mp4",)),
        extras={name: _sample(path, file) for name, file in value("extras", dict[str, str], {}).items()},
        texts=value("texts", dict[str, str], {}),
        golden=value("golden", bool, True),
        fails=value("fails", bool, False),
        timeout=value("timeout", float, 60.0),
    )


def _sample(path: Path, name: str) -> str:
    beside = path.parent / name
    return str(beside) if beside.is_file() else name


def _rules(read: YamlFile, node: yaml.Node) -> list[Rule]:
    from ..media.rules import RULES

    found: list[Rule] = []
    for item in read.items(node, "rules"):
        for kind, line, settings in read.pairs(item, "a rule"):
            if kind not in RULES:
                raise read.mistake(f"unknown rule {shown(kind)}{nearest(kind, sorted(RULES))}", line)
            given = {key: value for key, _, value in read.pairs(settings, kind)}
            try:
                found.append(_rule(read, RULES[kind], kind, given))
            except TypeError as error:
                raise read.mistake(f"{kind}: {str(error).partition('() ')[2] or error}", line) from error
    return found


def _rule(read: YamlFile, rule: type[Any], kind: str, given: Mapping[str, yaml.Node]) -> Rule:
    """A rule's settings by their names; in one that has thresholds each other number is one."""
    hints = typing.get_type_hints(rule)
    limits: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for key, node in given.items():
        if key in hints and key != "thresholds":
            values[key] = read.value(node, f"{kind}.{key}", partial(typed, wanted=hints[key]))
        elif "thresholds" in hints:
            limits[key] = read.value(node, f"{kind}.{key}", _threshold)
        else:
            raise read.mistake(f"{kind}: unknown key {shown(key)}{nearest(key, sorted(hints))}", read.line(node))
    made: Rule = rule(**values, **({"thresholds": limits} if "thresholds" in hints else {}))
    return made


def typed(raw: Any, wanted: Any) -> Any:
    """The value as the type that is wanted. Raises ValueError where it is another."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        if raw is None and type(None) in arguments:
            return None
        return typed(raw, next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        if not isinstance(raw, list):
            raise ValueError(f"{shown(raw)} is no list; write [one, two]")
        if arguments[-1] is not Ellipsis and len(raw) != len(arguments):
            raise ValueError(f"{len(arguments)} values are wanted, {len(raw)} are there")
        return tuple(typed(item, arguments[0]) for item in raw)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(raw, dict):
            raise ValueError(f"{shown(raw)} is no mapping; write {{key: value}}")
        return {_key(key, arguments[0]): typed(item, arguments[1]) for key, item in raw.items()}
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _threshold(raw) if wanted.__name__ == "Threshold" else _record(raw, wanted)
    if wanted is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, wanted) or (isinstance(raw, bool) and wanted is not bool):
        raise ValueError(f"{shown(raw)} is no {wanted.__name__}")
    return raw


def _threshold(raw: Any) -> Any:
    from ..media.case import Threshold

    return Threshold(typed(raw, float), "the team's own")


def _record(raw: Any, wanted: type[Any]) -> Any:
    hints = typing.get_type_hints(wanted)
    values = typed(raw, Mapping[str, object])
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(f"unknown key {shown(unknown[0])}{nearest(unknown[0], sorted(hints))}")
    try:
        return wanted(**{key: typed(value, hints[key]) for key, value in values.items()})
    except TypeError as error:
        raise ValueError(str(error).partition("() ")[2] or str(error)) from error


def _key(key: Any, wanted: Any) -> Any:
    """A word; or a picture's width and height, `384x216`."""
    if wanted is str:
        return typed(key, str)
    width, _, height = str(key).partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError(f"{shown(key)} is no size of a picture; write 384x216")
    return int(width), int(height)
