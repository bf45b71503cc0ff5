"""YAML that someone wrote by hand: values with the line that each stands in, and every mistake as a PolicyError."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from ..errors import PolicyError
from .units import shown

_MERGE = "tag:yaml.org,2002:merge"
# What PyYAML's constructors let through for text that isn't what its tag or its look says: `2027-02-30`, `!!int x`.
_WRONG_SCALAR = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


# Libyaml's loader calls itself for each level; no file of ours has more than five.
_DEEPEST = 50


class YamlFile:
    """The one document in `data`. Everything that it does raises PolicyError with file and line.

    `long` is for files of megabytes: they are read by libyaml where PyYAML was built with it, six times as fast.
    """

    def __init__(self, data: bytes, file: str, *, what: str = "the policy", long: bool = False) -> None:
        self._file = file
        with self._mistakes(data):
            # libyaml's loader is faster, but has no bound on how deep a document is nested.
            self._loader = self._fast_loader(data) if long else yaml.SafeLoader(data)
            root = self._loader.get_single_node()
        if root is None:
            raise PolicyError(f"{what} is empty", file=file, remedy="Begin with: version: 1")
        self.root: yaml.Node = root
        self._check_keys()

    def _fast_loader(self, data: bytes) -> yaml.SafeLoader:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        depth = 0
        for event in yaml.parse(data, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEEPEST:
                    mark = event.start_mark
                    raise self.mistake("the YAML is nested too deep", mark.line + 1 if mark else None)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        made: yaml.SafeLoader = loader(data)
        return made

    @contextmanager
    def _mistakes(self, data: bytes = b"") -> Iterator[None]:
        try:
            yield
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise self.mistake(f"no valid YAML: {error.problem or error}", line) from error
        except yaml.reader.ReaderError as error:
            line = data.count(b"\n", 0, error.position) + 1
            raise self.mistake(f"no valid YAML: {error.reason}", line) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise self.mistake(f"no valid YAML: {error}", None) from error
        except RecursionError as error:
            raise self.mistake("the YAML is nested too deep", None) from error

    def mistake(self, message: str, line: int | None) -> PolicyError:
        return PolicyError(message, file=self._file, line=line)

    def _check_keys(self) -> None:
        """Each key is a word and stands once. An alias leads to the same node again, which is looked at once."""
        todo, seen = [self.root], set[int]()
        while todo:
            node = todo.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                todo += node.value
            elif isinstance(node, yaml.MappingNode):
                lines: dict[str, int] = {}
                for key, value in node.value:
                    line = self.line(key)
                    if not isinstance(key, yaml.ScalarNode):
                        raise self.mistake("a key must be a word", line)
                    if key.tag == _MERGE:  # each can make its mapping ten times as large
                        raise self.mistake("'<<' can't be used here; in a policy use extends", line)
                    if key.value in lines:
                        raise self.mistake(f"{shown(key.value)} stands twice (first in line {lines[key.value]})", line)
                    lines[key.value] = line
                    todo.append(value)

    def line(self, node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1

    def lines(self, node: yaml.Node) -> tuple[int, ...]:
        """The lines of the items of a list, or of the keys of a mapping."""
        return tuple(self.line(part[0] if isinstance(part, tuple) else part) for part in _parts(node))

    def pairs(self, node: yaml.Node, what: str) -> Iterator[tuple[str, int, yaml.Node]]:
        """The keys of a mapping, each with its line and value."""
        if not isinstance(node, yaml.MappingNode):
            raise self.mistake(f"{what} must be a mapping: {{key: value}}", self.line(node))
        for key, value in node.value:
            yield key.value, self.line(key), value

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The nodes of a list."""
        if not isinstance(node, yaml.SequenceNode):
            raise self.mistake(f"{what} must be a list: [one, two]", self.line(node))
        return list(node.value)

    def value(self, node: yaml.Node, name: str, parse: Callable[[Any], Any]) -> Any:
        """What `parse` makes of the node; where it raises ValueError the message is told with the item's line."""
        try:
            return self._parsed(node, parse)
        except _WRONG_SCALAR as error:
            words = str(error)[:200] if isinstance(error, ValueError) else "a value isn't what its tag says"
            lines = (line for line, part in self._alone(node) if not self._fine(part, parse))
            raise self.mistake(f"{name}: {words}", next(lines, self.line(node))) from error

    def _parsed(self, node: yaml.Node, parse: Callable[[Any], Any]) -> Any:
        self._loader.recursive_objects.clear()  # what an error before left there
        with self._mistakes():
            return parse(self._loader.construct_object(node, deep=True))

    def _fine(self, node: yaml.Node, parse: Callable[[Any], Any]) -> bool:
        try:
            self._parsed(node, parse)
        except _WRONG_SCALAR:
            return False
        return True

    def _alone(self, node: yaml.Node) -> Iterator[tuple[int, yaml.Node]]:
        """Each item of a list or mapping in a list or mapping of its own, with its line."""
        for line, part in zip(self.lines(node), _parts(node), strict=True):
            yield line, type(node)(node.tag, [part], node.start_mark, node.end_mark)


def _parts(node: yaml.Node) -> list[Any]:
    return node.value if isinstance(node, yaml.CollectionNode) else []
