"""container-structure-test's files: what may stand in them, read strictly, with the line of every mistake.

The schema is pkg/types/v2 of GoogleContainerTools/container-structure-test, `schemaVersion: 2.0.0`. A scalar is taken
for text as it is written (`exposedPorts: [8080]`), as Go's YAML reader does it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import PolicyError
from ..policy.units import nearest, shown
from .regex import Untranslatable, compile_go

if TYPE_CHECKING:
    import yaml

    from ..policy.yaml_file import YamlFile

SCHEMA = "2.0.0"
_MOST_VALUES = 20_000
"""Texts in a file, each counted as often as an alias repeats it."""
_EXECUTABLE_BY = ("owner", "group", "other", "any")
_NULL = "tag:yaml.org,2002:null"
_TOP = (
    "schemaVersion",
    "globalEnvVars",
    "commandTests",
    "fileExistenceTests",
    "fileContentTests",
    "metadataTest",
    "licenseTests",
    "containerRunOptions",
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression, as it was written and as Python understands it."""

    text: str
    pattern: re.Pattern[str]

    def found_in(self, text: str) -> bool:
        return self.pattern.search(text) is not None


@dataclass(frozen=True, slots=True)
class Pair:
    """A variable or label. `expression` is set where its value is a regular expression."""

    key: str
    value: str
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class CommandTest:
    name: str
    line: int
    command: tuple[str, ...]
    setup: tuple[tuple[str, ...], ...] = ()
    env: tuple[Pair, ...] = ()
    exit_code: int = 0
    expected_output: tuple[Expression, ...] = ()
    excluded_output: tuple[Expression, ...] = ()
    expected_error: tuple[Expression, ...] = ()
    excluded_error: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class ExistenceTest:
    """`uid` and `gid` None, `permissions` and `executable_by` empty: not asked."""

    name: str
    line: int
    path: str
    should_exist: bool = True
    permissions: str = ""
    uid: int | None = None
    gid: int | None = None
    executable_by: str = ""


@dataclass(frozen=True, slots=True)
class ContentTest:
    name: str
    line: int
    path: str
    expected: tuple[Expression, ...] = ()
    excluded: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class LicenseTest:
    line: int
    debian: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetadataTest:
    """`entrypoint` and `cmd` None: not asked; an empty list asks for none."""

    line: int
    env: tuple[Pair, ...] = ()
    unbound: tuple[str, ...] = ()
    labels: tuple[Pair, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    exposed_ports: tuple[str, ...] = ()
    unexposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    unmounted_volumes: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`env` names variables of this machine that are passed on; `unsupported` are (option, line) nothing honours."""

    user: str = ""
    env: tuple[str, ...] = ()
    env_file: str = ""
    unsupported: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class StructureFile:
    """The tests of one file; `name` is how it is called in messages."""

    name: str
    global_env: tuple[Pair, ...] = ()
    commands: list[CommandTest] = field(default_factory=list)
    existence: list[ExistenceTest] = field(default_factory=list)
    contents: list[ContentTest] = field(default_factory=list)
    licenses: list[LicenseTest] = field(default_factory=list)
    metadata: MetadataTest | None = None
    options: RunOptions = RunOptions()


def parse_structure(data: bytes, name: str, *, is_json: bool = False) -> StructureFile:
    """The tests in a YAML or JSON file. Raises PolicyError with file and line; also where there is no test."""
    return _Parser(_document(data, name, is_json), name).file()


def _document(data: bytes, name: str, is_json: bool) -> YamlFile:
    from ..policy.yaml_file import YamlFile

    if not data.strip():
        raise PolicyError("the file is empty", file=name, remedy=f"Begin with: schemaVersion: {SCHEMA}")
    if is_json:
        try:
            json.loads(data)
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"no valid JSON: {error}", file=name, line=getattr(error, "lineno", None)) from error
        data = data.replace(b"\t", b" ")  # valid JSON has none within strings, and YAML takes none between
    return YamlFile(data, name, what="the file")


class _Parser:
    def __init__(self, read: YamlFile, name: str) -> None:
        self._read = read
        self._name = name
        self._values = 0

    def file(self) -> StructureFile:
        own = self._fields(self._read.root, "a structure test file", _TOP)
        self._check_version(own.get("schemaVersion"))
        found = StructureFile(self._name)
        found.global_env = self._pairs(own.get("globalEnvVars"), "globalEnvVars", valued=True)
        found.commands = [self._command(node) for node in self._items(own.get("commandTests"), "commandTests")]
        nodes = self._items(own.get("fileExistenceTests"), "fileExistenceTests")
        found.existence = [self._existence(node) for node in nodes]
        found.contents = [self._content(node) for node in self._items(own.get("fileContentTests"), "fileContentTests")]
        found.licenses = [self._license(node) for node in self._items(own.get("licenseTests"), "licenseTests")]
        found.metadata = self._metadata(own.get("metadataTest"))
        found.options = self._options(own.get("containerRunOptions"))
        if not (found.commands or found.existence or found.contents or found.licenses or found.metadata):
            raise self._read.mistake("the file holds no test", None)
        return found

    def _check_version(self, node: yaml.Node | None) -> None:
        version = self._text(node, "schemaVersion")
        if version == SCHEMA:
            return
        line = self._read.line(node) if node else 1
        if version == "1.0.0":
            raise PolicyError(
                "schemaVersion 1.0.0 isn't supported",
                file=self._name,
                line=line,
                remedy=f"Write {SCHEMA}, and of each command its first word as command, the others as args.",
            )
        said = f"schemaVersion {shown(version)} isn't known" if version else "there is no schemaVersion"
        raise PolicyError(said, file=self._name, line=line, remedy=f"Write schemaVersion: {SCHEMA}.")

    # The kinds.

    def _command(self, node: yaml.Node) -> CommandTest:
        what = "a command test"
        keys = ("name", "setup", "teardown", "envVars", "exitCode", "command", "args")
        outputs = ("expectedOutput", "excludedOutput", "expectedError", "excludedError")
        own = self._fields(node, what, (*keys, *outputs))
        setup = self._commands(own.get("setup"), "setup")
        self._commands(own.get("teardown"), "teardown")
        command = self._needed(own, "command", node, what)
        return CommandTest(
            name=self._needed(own, "name", node, what),
            line=self._read.line(node),
            command=(command, *self._texts(own.get("args"), "args")),
            setup=setup,
            env=self._pairs(own.get("envVars"), "envVars", valued=True),
            exit_code=self._number(own.get("exitCode"), "exitCode") or 0,
            expected_output=self._expressions(own.get("expectedOutput"), "expectedOutput"),
            excluded_output=self._expressions(own.get("excludedOutput"), "excludedOutput"),
            expected_error=self._expressions(own.get("expectedError"), "expectedError"),
            excluded_error=self._expressions(own.get("excludedError"), "excludedError"),
        )

    def _commands(self, node: yaml.Node | None, what: str) -> tuple[tuple[str, ...], ...]:
        commands = []
        for item in self._items(node, what):
            words = self._texts(item, f"a command of {what}")
            if not words:
                raise self._read.mistake(f"an empty command in {what}", self._read.line(item))
            commands.append(words)
        return tuple(commands)

    def _existence(self, node: yaml.Node) -> ExistenceTest:
        what = "a file existence test"
        keys = ("name", "path", "shouldExist", "permissions", "uid", "gid", "isExecutableBy")
        own = self._fields(node, what, keys)
        executable_by = self._text(own.get("isExecutableBy"), "isExecutableBy")
        if executable_by and executable_by not in _EXECUTABLE_BY:
            line = self._read.line(own["isExecutableBy"])
            raise self._read.mistake(
                f"isExecutableBy: {shown(executable_by)}{nearest(executable_by, [*_EXECUTABLE_BY])}", line
            )
        return ExistenceTest(
            name=self._needed(own, "name", node, what),
            line=self._read.line(node),
            path=self._needed(own, "path", node, what),
            should_exist=self._flag(own.get("shouldExist"), "shouldExist", otherwise=True),
            permissions=self._text(own.get("permissions"), "permissions"),
            uid=self._owner(own.get("uid"), "uid"),
            gid=self._owner(own.get("gid"), "gid"),
            executable_by=executable_by,
        )

    def _owner(self, node: yaml.Node | None, what: str) -> int | None:
        """-1 means there, too, that nothing is asked."""
        number = self._number(node, what)
        return None if number == -1 else number

    def _content(self, node: yaml.Node) -> ContentTest:
        what = "a file content test"
        own = self._fields(node, what, ("name", "path", "expectedContents", "excludedContents"))
        return ContentTest(
            name=self._needed(own, "name", node, what),
            line=self._read.line(node),
            path=self._needed(own, "path", node, what),
            expected=self._expressions(own.get("expectedContents"), "expectedContents"),
            excluded=self._expressions(own.get("excludedContents"), "excludedContents"),
        )

    def _license(self, node: yaml.Node) -> LicenseTest:
        own = self._fields(node, "a licence test", ("debian", "files"))
        return LicenseTest(
            line=self._read.line(node),
            debian=self._flag(own.get("debian"), "debian", otherwise=False),
            files=self._texts(own.get("files"), "files"),
        )

    def _metadata(self, node: yaml.Node | None) -> MetadataTest | None:
        if node is None:
            return None
        lists = ("exposedPorts", "unexposedPorts", "volumes", "unmountedVolumes", "entrypoint", "cmd")
        own = self._fields(node, "metadataTest", ("envVars", "unboundEnvVars", "labels", "workdir", "user", *lists))
        texts = {name: self._texts(own.get(name), name) for name in lists}
        for name in ("exposedPorts", "volumes"):
            if "" in texts[name]:
                raise self._read.mistake(f"{name}: an empty entry", self._read.line(own[name]))
        found = MetadataTest(
            line=self._read.line(node),
            env=self._pairs(own.get("envVars"), "envVars"),
            unbound=tuple(pair.key for pair in self._pairs(own.get("unboundEnvVars"), "unboundEnvVars")),
            labels=self._pairs(own.get("labels"), "labels"),
            entrypoint=texts["entrypoint"] if "entrypoint" in own else None,
            cmd=texts["cmd"] if "cmd" in own else None,
            exposed_ports=texts["exposedPorts"],
            unexposed_ports=texts["unexposedPorts"],
            volumes=texts["volumes"],
            unmounted_volumes=texts["unmountedVolumes"],
            workdir=self._text(own.get("workdir"), "workdir"),
            user=self._text(own.get("user"), "user"),
        )
        return None if found == MetadataTest(found.line) else found

    def _options(self, node: yaml.Node | None) -> RunOptions:
        if node is None:
            return RunOptions()
        flags = ("privileged", "allocateTty")
        lists = ("capabilities", "bindMounts")
        own = self._fields(node, "containerRunOptions", ("user", "envVars", "envFile", *flags, *lists))
        unsupported = [name for name in flags if self._flag(own.get(name), name, otherwise=False)]
        unsupported += [name for name in lists if self._texts(own.get(name), name)]
        return RunOptions(
            user=self._text(own.get("user"), "user"),
            env=self._texts(own.get("envVars"), "envVars"),
            env_file=self._text(own.get("envFile"), "envFile"),
            unsupported=tuple((name, self._read.line(own[name])) for name in unsupported),
        )

    # The values.

    def _fields(self, node: yaml.Node, what: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        """The values that are set, by key; null sets nothing."""
        found: dict[str, yaml.Node] = {}
        for key, line, value in self._read.pairs(node, what):
            if key not in known:
                raise self._read.mistake(f"unknown key {shown(key)} in {what}{nearest(key, [*known])}", line)
            if value.tag != _NULL:
                found[key] = value
        return found

    def _items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        return [] if node is None else self._read.items(node, what)

    def _needed(self, own: Mapping[str, yaml.Node], key: str, node: yaml.Node, what: str) -> str:
        text = self._text(own.get(key), key)
        if not text:
            raise self._read.mistake(f"{what} needs a {key}", self._read.line(own.get(key, node)))
        return text

    def _text(self, node: yaml.Node | None, what: str) -> str:
        """A scalar as it is written; empty for null or none."""
        if node is None or node.tag == _NULL:
            return ""
        if not isinstance(node.value, str):
            raise self._read.mistake(f"{what} must be a text", self._read.line(node))
        self._values += 1
        if self._values > _MOST_VALUES:
            raise self._read.mistake(f"more than {_MOST_VALUES} values", self._read.line(node))
        return node.value

    def _texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        return tuple(self._text(item, what) for item in self._items(node, what))

    def _flag(self, node: yaml.Node | None, what: str, *, otherwise: bool) -> bool:
        if node is None:
            return otherwise
        return bool(self._read.value(node, what, _boolean))

    def _number(self, node: yaml.Node | None, what: str) -> int | None:
        return None if node is None else int(self._read.value(node, what, _integer))

    def _pairs(self, node: yaml.Node | None, what: str, *, valued: bool = False) -> tuple[Pair, ...]:
        pairs = []
        for item in self._items(node, what):
            own = self._fields(item, f"an entry of {what}", ("key", "value", "isRegex"))
            key = self._needed(own, "key", item, f"an entry of {what}")
            value = (
                self._needed(own, "value", item, f"an entry of {what}")
                if valued
                else self._text(own.get("value"), what)
            )
            is_regex = self._flag(own.get("isRegex"), "isRegex", otherwise=False)
            expression = self._expression(value, own.get("value", item)) if is_regex and not valued else None
            pairs.append(Pair(key, value, expression))
        return tuple(pairs)

    def _expressions(self, node: yaml.Node | None, what: str) -> tuple[Expression, ...]:
        return tuple(self._expression(self._text(item, what), item) for item in self._items(node, what))

    def _expression(self, text: str, node: yaml.Node) -> Expression:
        try:
            return Expression(text, compile_go(text))
        except Untranslatable as error:
            raise self._read.mistake(str(error), self._read.line(node)) from error


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
        raise ValueError(f"{shown(value)} is no whole number")
    return value
