"""A team's own transcode cases: `cases/NAME.yaml` beside the policy."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import EnvironmentFault, InvalidReference, PolicyError
from ...policy.units import nearest, shown
from ...policy.yaml_file import YamlFile
from .case_values import codec, hints, lacking_of, metrics_of, threshold, typed

if TYPE_CHECKING:
    import yaml

    from ...media.case import Case, Rule

FOLDER = "cases"
_MAX_BYTES = 1024 * 1024
_KEYS = ("version", "sample", "command", "rules", "needs", "outputs", "extras", "texts", "golden", "fails", "timeout")
_FILE_NAME = re.compile(r"[\w.-]*[\w-][\w.-]*")  # as `media.recipe` takes it in {extra:NAME}
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_TEXT = "tag:yaml.org,2002:str"


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
    command = tuple(_word(read, item) for item in read.items(nodes["command"][1], "command"))
    outputs = value("outputs", tuple[str, ...], ("output.mp4",))
    if not outputs or any(name.startswith("/") or ".." in Path(name).parts for name in outputs):
        raise read.mistake("outputs: names of files in {folder} are wanted, at least one", nodes["outputs"][0])
    timeout = value("timeout", float, 60.0)
    if timeout <= 0:
        raise read.mistake(f"timeout: {timeout:g} s is no time to run in", nodes["timeout"][0])
    extras, texts = value("extras", dict[str, str], {}), value("texts", dict[str, str], {})
    for key in ("extras", "texts"):
        for name, line, _ in read.pairs(nodes[key][1], key) if key in nodes else ():
            if wrong := _wrong_name(name, key, extras):
                raise read.mistake(f"{key}: {wrong}", line)
    known = [*PLACEHOLDERS, *(f"extra:{name}" for name in (*extras, *texts))]
    for word, line in zip(command, read.lines(nodes["command"][1]), strict=True):
        for unknown in unknown_placeholders([word], [*extras, *texts]):
            raise read.mistake(
                f"command: unknown placeholder {shown(f'{{{unknown}}}')}{nearest(unknown, known)}. Name further files "
                "under extras or texts; braces of the command's own take blanks: { print }",
                line,
            )
    said = "\0".join(command)
    if "{input}" not in said or not ("{output}" in said or "{folder}" in said):
        raise read.mistake("command: it needs {input}, and {output} or {folder}", nodes["command"][0])
    for name, text in texts.items():
        if unknown_extras := [word for word in unknown_placeholders([text], [*extras, *texts]) if ":" in word]:
            raise read.mistake(f"texts: {name}: unknown placeholder {{{unknown_extras[0]}}}", nodes["texts"][0])
    golden = value("golden", str, "") if _is_word(nodes.get("golden")) else value("golden", bool, True)
    if golden not in (True, False, "required"):
        raise read.mistake(f"golden: {shown(golden)} isn't true, false or required", nodes["golden"][0])
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
        golden=golden is not False,
        golden_required=golden == "required",
        fails=value("fails", bool, False),
        timeout=timeout,
    )


def _is_word(found: tuple[int, yaml.Node] | None) -> bool:
    return found is not None and found[1].tag == _TEXT


def _word(read: YamlFile, node: yaml.Node) -> str:
    """A word of a command; a number as it is written."""
    if node.tag in _NUMBERS:
        return str(node.value)
    if node.tag != _TEXT and isinstance(node.value, str):
        raise read.mistake(f'command: {node.value} is no text to YAML; write "{node.value}"', read.line(node))
    return str(read.value(node, "command", partial(typed, wanted=str)))


def _wrong_name(name: str, key: str, extras: Mapping[str, str]) -> str:
    """What is wrong with the name of a further file; in the container texts lie beside what we bring."""
    if not _FILE_NAME.fullmatch(name):
        return f"{shown(name)} can't name a file; take letters, digits, dots, dashes and underscores"
    if key == "extras":
        return ""
    if name in extras:
        return f"{shown(name)} stands under extras too"
    if name.partition(".")[0] in ("input", "output") or name.startswith("extra-"):
        return f"{shown(name)} is a name of ours; take another"
    return ""


def _sample(read: YamlFile, path: Path, name: str, key: str, line: int) -> str:
    """What `sampling.sample_file` takes. Raises PolicyError where there is no such clip."""
    from ...media.samples import checksums

    beside = (path.parent / name).resolve()
    if name and beside.is_file():
        return str(beside)
    if name.startswith("oras:"):
        if "@sha256:" not in name:
            raise read.mistake(f"{key}: {shown(name)} isn't pinned; write oras:NAME@sha256:...", line)
        from ...image.reference import Reference

        try:
            Reference.parse(f"registry:{name.removeprefix('oras:').partition('#')[0]}")
        except InvalidReference as error:
            raise read.mistake(f"{key}: {error.message}", line) from error
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
            except (ValueError, re.error) as error:
                raise read.mistake(f"{kind}: {error}", line) from error
            if isinstance(rule, Survived):
                if rule.intact.startswith("oras:"):
                    raise read.mistake(f"{kind}.intact: a bundled clip or a file beside the case is wanted", line)
                rule = dataclasses.replace(rule, intact=_sample(read, path, rule.intact, f"{kind}.intact", line))
            for part in rule.parts if isinstance(rule, Joined) else ():
                if part not in extras:
                    raise read.mistake(f"{kind}.parts: {shown(part)} isn't one of the case's extras", line)
            found.append(rule)
    return found


def _rule(read: YamlFile, rule: type[Any], kind: str, settings: yaml.Node) -> Rule:
    """A rule's settings by their names; in one that has thresholds these stand among them."""
    from ...media.rules import RULES

    known = hints(rule)
    metrics = metrics_of(rule).get("thresholds", ())
    has_limits = known.pop("thresholds", None) is not None
    limits: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for key, line, node in read.pairs(settings, kind):
        if key in known:
            values[key] = read.value(node, f"{kind}.{key}", partial(typed, wanted=known[key]))
            if key in ("video_codec", "audio_codec") and values[key]:
                read.value(node, f"{kind}.{key}", codec)
        elif key in metrics:
            limits[key] = read.value(node, f"{kind}.{key}", threshold)
        else:
            takers = [name for name, other in RULES.items() if key in metrics_of(other).get("thresholds", ())]
            told = f"; {' and '.join(takers)} would take it" if takers else nearest(key, sorted((*known, *metrics)))
            raise read.mistake(f"{kind}: unknown key {shown(key)}{told}", line)
    if lacking := lacking_of(rule, values):
        raise ValueError(lacking)
    made: Rule = rule(**values, **({"thresholds": limits} if has_limits else {}))
    return made


def _version(raw: Any) -> int:
    if type(raw) is not int or raw != 1:
        raise ValueError(f"{shown(raw)} isn't known; write version: 1")
    return raw
