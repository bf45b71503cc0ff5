"""The patent data in force: ours, and the file that a policy names."""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import PolicyError, UsageError
from ...policy.units import nearest, shown
from ...sbom.patents import BUILT_IN, Codec, PatentData, built_in, parse_codec, parse_day

if TYPE_CHECKING:
    import yaml

    from ...policy import Policy
    from ...policy.yaml_file import YamlFile

_MAX_BYTES = 1_000_000  # our own file has 20 kB
_KEYS = ("version", "as-of", "extends", "codecs")
_EXTENDS = ("built-in", "nothing")


def patent_data(policy: Policy) -> PatentData:
    """Our data with the rows of the policy's file; of that alone where it extends nothing.

    Raises PolicyError with the line for what is wrong in the file, and UsageError where the policy names a codec that
    nobody knows.
    """
    data = read_patents(policy.directory / policy.patents_data) if policy.patents_data else built_in()
    for key, covers in (("agreements", policy.patents_agreements), ("accepted", policy.patents_accepted)):
        for codec in (codec for cover in covers for codec in cover.codecs):
            if codec not in data.codecs:
                known = sorted(data.codecs)
                raise UsageError(
                    f"{policy.source}: patents.{key}: the patent data ({data.source}) has no codec {shown(codec)}"
                    f"{nearest(codec, known)}",
                    remedy=f"Known: {', '.join(known)}. Rows of your own go into a file: patents: {{data: FILE}}.",
                )
    return data


def read_patents(path: Path) -> PatentData:
    """The data that a file makes of ours. Raises PolicyError."""
    from ...policy.yaml_file import YamlFile

    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"the patent data can't be read: {error.strerror or error}", file=path) from error
    if len(data) > _MAX_BYTES:
        raise PolicyError(f"larger than {_MAX_BYTES} bytes: no patent data", file=path)
    read = YamlFile(data, path.name, what="the patent data")
    nodes: dict[str, tuple[int, yaml.Node]] = {}
    for key, line, node in read.pairs(read.root, "patent data"):
        if key not in _KEYS:
            raise read.mistake(f"unknown key {shown(key)}{nearest(key, list(_KEYS))}", line)
        nodes[key] = line, node
    for key in ("version", "as-of", "codecs"):
        if key not in nodes:
            raise read.mistake(f"patent data needs {key!r}", 1)
    read.value(nodes["version"][1], "version", _version)
    as_of: datetime.date = read.value(nodes["as-of"][1], "as-of", parse_day)
    extends = read.value(nodes["extends"][1], "extends", _extends) if "extends" in nodes else _EXTENDS[0]
    base = built_in() if extends == _EXTENDS[0] else PatentData(as_of, BUILT_IN)
    codecs = {name: _codec(read, name, node, as_of) for name, _, node in read.pairs(nodes["codecs"][1], "codecs")}
    return base.extended(PatentData(as_of, path.name, codecs))


def _codec(read: YamlFile, name: str, node: yaml.Node, as_of: datetime.date) -> Codec:
    """The line told is that of the statement, where one is wrong."""
    for key, _, inner in read.pairs(node, name):
        if key == "statements":
            for statement in read.items(inner, f"{name}.statements"):
                row = functools.partial(_row_of, name, as_of)
                read.value(statement, f"codecs.{name}", row)
    codec: Codec = read.value(node, f"codecs.{name}", functools.partial(parse_codec, name, as_of=as_of))
    return codec


def _row_of(name: str, as_of: datetime.date, statement: Any) -> Codec:
    return parse_codec(name, {"name": name, "statements": [statement]}, as_of)


def _version(value: Any) -> int:
    if type(value) is not int or value != 1:
        raise ValueError(f"{shown(value)} isn't known; write version: 1")
    return value


def _extends(value: Any) -> str:
    if value not in _EXTENDS:
        raise ValueError(f"{shown(value)} is none of {', '.join(_EXTENDS)}")
    return str(value)
