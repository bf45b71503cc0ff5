"""A team's own transcode cases: `cases/NAME.yaml` beside the policy."""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import EnvironmentFault, PolicyError
from ...policy.units import nearest, shown
from ...policy.yaml_file import YamlFile

if TYPE_CHECKING:
    import yaml

    from ...media.case import Case, Rule

FOLDER = "cases"
_MAX_BYTES = 1024 * 1024
_KEYS = ("version", "sample", "command", "rules", "needs", "outputs", "extras", "texts", "golden", "fails", "timeout")
_IN_CODE = ("view", "others")  # of rules: no YAML can say them


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
    from ...media.case import Case, Needs
    from ...media.recipe import PLACEHOLDERS, recipe_of, unknown_placeholders

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

    if "version" in nodes:
        read.value(nodes["version"][1], "version", _version)
    command = value("command", tuple[str, ...], ())
    text = "\0".join(command)
    if "{input}" not in text or not ("{output}" in text or "{folder}" in text):
        raise read.mistake("command: it needs {input}, and {output} or {folder}", nodes["command"][0])
    outputs = value("outputs", tuple[str, ...], ("output.mp4",))
    if not outputs or any(name.startswith("/") or ".." in Path(name).parts for name in outputs):
        raise read.mistake("outputs: names of files in {folder} are wanted, at least one", nodes["outputs"][0])
    timeout = value("timeout", float, 60.0)
    if timeout <= 0:
        raise read.mistake(f"timeout: {timeout:g} s is no time to run in", nodes["timeout"][0])
    extras, texts = value("extras", dict[str, str], {}), value("texts", dict[str, str], {})
    known = [*PLACEHOLDERS, *(f"extra:{name}" for name in (*extras, *texts))]
    for word, line in zip(command, read.lines(nodes["command"][1]), strict=True):
        for unknown in unknown_placeholders([word], [*extras, *texts]):
            raise read.mistake(
                f"command: unknown placeholder {shown(f'{{{unknown}}}')}{nearest(unknown, known)}. Name further files "
                "under extras or texts; braces of the command's own take blanks: { print }",
                line,
            )
    for name, text in texts.items():
        if unknown_extras := [word for word in unknown_placeholders([text], [*extras, *texts]) if ":" in word]:
            raise read.mistake(f"texts: {name}: unknown placeholder {{{unknown_extras[0]}}}", nodes["texts"][0])
    needs = {}
    for key, line, node in read.pairs(nodes["needs"][1], "needs") if "needs" in nodes else ():
        fields = [field.name for field in dataclasses.fields(Needs) if field.name != "pix_fmts"]
        if key not in fields:
            raise read.mistake(f"needs: unknown key {shown(key)}{nearest(key, fields)}", line)
        needs[key] = read.value(node, f"needs.{key}", partial(typed, wanted=tuple[str, ...]))
    return Case(
        name=path.stem,
        sample=_sample(read, path, value("sample", str, ""), "sample", nodes["sample"][0]),
        recipe=recipe_of(list(command)),
        rules=tuple(_rules(read, path, nodes["rules"][1], extras)),
        needs=Needs(**needs),
        outputs=outputs,
        extras={
            name: _sample(read, path, file, f"extras: {name}", line)
            for (name, file), line in zip(extras.items(), read.lines(nodes["extras"][1]) if extras else (), strict=True)
        },
        texts=texts,
        golden=value("golden", bool, True),
        fails=value("fails", bool, False),
        timeout=timeout,
    )


def _sample(read: YamlFile, path: Path, name: str, key: str, line: int) -> str:
    """What `sampling.sample_file` takes. Raises PolicyError where there is no such clip."""
    from ...media.samples import checksums

    beside = (path.parent / name).resolve()
    if name and beside.is_file():
        return str(beside)
    if name.startswith("oras:"):
        if "@sha256:" not in name:
            raise read.mistake(f"{key}: {shown(name)} isn't pinned; write oras:NAME@sha256:...", line)
        return name
    try:
        known = sorted(checksums())
    except EnvironmentFault:
        return name  # the installation is at fault, which the case tells when it runs
    clips = [Path(file).stem for file in known]
    if name not in (*known, *clips):
        raise read.mistake(
            f"{key}: there is no sample {shown(name)}: neither a file beside the case nor a bundled clip"
            f"{nearest(name, clips)}",
            line,
        )
    return name


def _rules(read: YamlFile, path: Path, node: yaml.Node, extras: Mapping[str, str]) -> list[Rule]:
    from ...media.rules import RULES
    from ...media.rules.damage import Survived
    from ...media.rules.joined import Joined

    found: list[Rule] = []
    for item in read.items(node, "rules"):
        for kind, line, settings in read.pairs(item, "a rule"):
            if kind not in RULES:
                raise read.mistake(f"unknown rule {shown(kind)}{nearest(kind, sorted(RULES))}", line)
            try:
                rule = _rule(read, RULES[kind], kind, settings)
            except (TypeError, ValueError, re.error) as error:
                raise read.mistake(f"{kind}: {str(error).partition('() ')[2] or error}", line) from error
            if isinstance(rule, Survived):
                rule = dataclasses.replace(rule, intact=_sample(read, path, rule.intact, f"{kind}.intact", line))
            for part in rule.parts if isinstance(rule, Joined) else ():
                if part not in extras:
                    raise read.mistake(f"{kind}.parts: {shown(part)} isn't one of the case's extras", line)
            found.append(rule)
    return found


def _rule(read: YamlFile, rule: type[Any], kind: str, settings: yaml.Node) -> Rule:
    """A rule's settings by their names; in one that has thresholds these stand among them."""
    hints = _hints(rule)
    metrics = _metrics(rule).get("thresholds", ())
    has_limits = hints.pop("thresholds", None) is not None
    limits: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for key, line, node in read.pairs(settings, kind):
        if key in hints:
            values[key] = read.value(node, f"{kind}.{key}", partial(typed, wanted=hints[key]))
        elif key in metrics:
            limits[key] = read.value(node, f"{kind}.{key}", _threshold)
        else:
            raise read.mistake(f"{kind}: unknown key {shown(key)}{nearest(key, sorted((*hints, *metrics)))}", line)
    made: Rule = rule(**values, **({"thresholds": limits} if has_limits else {}))
    return made


def _hints(record: type[Any]) -> dict[str, Any]:
    """The types of a dataclass' fields, of those that a file may give."""
    hints = typing.get_type_hints(record)
    return {field.name: hints[field.name] for field in dataclasses.fields(record) if field.name not in _IN_CODE}


def _metrics(record: type[Any]) -> Mapping[str, tuple[str, ...]]:
    """What may be limited, by the field that holds the limits: a limit on anything else would hold nothing."""
    return getattr(record, "METRICS", {})


def _version(raw: Any) -> int:
    if type(raw) is not int or raw != 1:
        raise ValueError(f"{shown(raw)} isn't known; write version: 1")
    return raw


def typed(raw: Any, wanted: Any, metrics: tuple[str, ...] = ()) -> Any:
    """The value as the type that is wanted; of limits by name, those on `metrics`. Raises ValueError for another."""
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
        for key in raw if _is_threshold(arguments[1]) else ():
            if key not in metrics:
                raise ValueError(f"unknown limit {shown(key)}{nearest(str(key), sorted(metrics))}")
        return {_key(key, arguments[0]): typed(item, arguments[1], metrics) for key, item in raw.items()}
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _threshold(raw) if _is_threshold(wanted) else _record(raw, wanted)
    if wanted is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if wanted is float and isinstance(raw, float) and not math.isfinite(raw):
        raise ValueError(f"{shown(raw)} is no number to compare with")
    if wanted is str and isinstance(raw, dict) and list(raw.values()) == [None]:
        raise ValueError(f'braces that aren\'t quoted make a mapping; write "{{{next(iter(raw))}}}"')
    if not isinstance(raw, wanted) or (isinstance(raw, bool) and wanted is not bool):
        raise ValueError(f"{shown(raw)} is no {wanted.__name__}")
    return raw


def _is_threshold(wanted: Any) -> bool:
    from ...media.case import Threshold

    return wanted is Threshold


def _threshold(raw: Any) -> Any:
    from ...media.case import Threshold

    limit = typed(raw, float)
    if limit < 0:
        raise ValueError(f"{shown(raw)} is no limit: it can't be below 0")
    return Threshold(limit, "the team's own")


def _record(raw: Any, wanted: type[Any]) -> Any:
    hints, metrics = _hints(wanted), _metrics(wanted)
    values = typed(raw, Mapping[str, object])
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(f"unknown key {shown(unknown[0])}{nearest(unknown[0], sorted(hints))}")
    try:
        return wanted(**{key: typed(value, hints[key], metrics.get(key, ())) for key, value in values.items()})
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
