"""`contents.setuid`: files that give whoever starts them somebody else's rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...image.analysers import kind
from ...image.entries import FILE, HARDLINK
from ...image.tree import Node
from ...result import Finding, Severity
from ..context import Context
from ..many import each
from ..registry import check
from .capabilities import file_capabilities
from .setuid_known import KNOWN, KNOWN_CAPABILITIES, merged

_SETUID, _SETGID, _WORLD_WRITABLE, _EXECUTABLE = 0o4000, 0o2000, 0o002, 0o111
# What runs any command that it is given. BusyBox is none: setuid is how Buildroot ships it, and it drops the rights
# itself (libbb/appletlib.c, check_suid).
_COMMANDS = re.compile(
    r"(?:ba|da|a|z|k|mk|fi|tc|c)?sh|python[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|php[\d.]*|lua[\d.]*|tclsh[\d.]*"
    r"|[gmn]?awk|env|find|vim?(?:\.\w+)?|gdb|xargs|nice|nohup|timeout|setarch|strace"
)


@dataclass(frozen=True, slots=True)
class _Privileged:
    """A visible file with somebody else's rights; `capabilities` in words, empty without any."""

    node: Node
    capabilities: str = ""


@check(
    "contents.setuid",
    fails="a setuid or setgid shell or interpreter, and one that everybody may write to; files with such rights that "
    "no base distribution ships warn",
    why="Who breaks into a decoder looks for a program that makes him root; an encoder needs none.",
)
def setuid(context: Context) -> Iterator[Finding]:
    files = [*_with_mode(context), *_with_capabilities(context)]
    unknown = [item for item in files if _is_unknown(item)]
    context.measure(len(unknown), unit="files")
    findings = [_judge(context, item) for item in unknown]
    findings.sort(key=lambda finding: -(finding.severity or Severity.ERROR))
    yield from each(findings, lambda finding: finding, "files with the rights of others")


def _with_mode(context: Context) -> Iterator[_Privileged]:
    """The visible ones: the mode that counts is the last one, of whichever name."""
    tree = context.image.tree
    seen: set[str] = set()
    for facts in context.image.layer_facts:
        entries = facts.entries
        modes = entries.columns()[3]
        for ordinal, mode in enumerate(modes):
            if not mode & (_SETUID | _SETGID) or entries.type(ordinal) not in (FILE, HARDLINK):
                continue
            node = tree.resolve(entries.path(ordinal))
            if node is None or node.type != FILE or node.path in seen:
                continue
            seen.add(node.path)
            if node.entry.mode & (_SETUID | _SETGID) and node.entry.mode & _EXECUTABLE:
                yield _Privileged(node)


def _with_capabilities(context: Context) -> Iterator[_Privileged]:
    tree = context.image.tree
    for layer, facts in enumerate(context.image.layer_facts):
        for ordinal, attributes in facts.xattrs.items():
            value = attributes.get("security.capability")
            if value is None:
                continue
            node = tree.resolve(facts.entries.path(ordinal))
            if node is not None and node.type == FILE and node.content == (layer, ordinal):
                yield _Privileged(node, file_capabilities(value))


def _is_unknown(item: _Privileged) -> bool:
    path, entry = merged(item.node.path), item.node.entry
    if entry.mode & _WORLD_WRITABLE or _runs_commands(item.node):
        return True
    if item.capabilities:
        return path not in KNOWN_CAPABILITIES
    return path not in KNOWN or entry.uid != 0


def _runs_commands(node: Node) -> bool:
    return _COMMANDS.fullmatch(node.path.rpartition("/")[2]) is not None


def _judge(context: Context, item: _Privileged) -> Finding:
    node, entry = item.node, item.node.entry
    path = f"/{node.path}"
    rights = f"has {item.capabilities}" if item.capabilities else _rights(node)
    severity: Severity | None = Severity.WARNING
    more = ""
    if entry.mode & _WORLD_WRITABLE:
        severity, more = None, ", and everybody may write to it"
    elif _is_script(context, node):
        more = ": Linux passes over that for scripts, so it does nothing"
    elif _runs_commands(node):
        severity, more = None, ", and runs any command that it is given"
    undo = f"setcap -r {path}" if item.capabilities else f"chmod a-s {path}"
    return context.finding(
        f"{path} {rights}{more}",
        severity=severity,
        layer=node.layer,
        file=path,
        bytes=entry.size,
        evidence=rights,
        fix=f"Run `{undo}` in the step that installs it, or leave its package out.",
    )


def _rights(node: Node) -> str:
    mode, entry = node.entry.mode, node.entry
    owners = []
    if mode & _SETUID:
        owners.append("root" if entry.uid == 0 else f"user {entry.uid}")
    if mode & _SETGID:
        owners.append(f"group {entry.gid}")
    return f"runs as {' and '.join(owners)} whoever starts it (mode {mode & 0o7777:04o})"


def _is_script(context: Context, node: Node) -> bool:
    layer, ordinal = node.content
    fact = context.image.layer_facts[layer].found.get(kind.NAME, {}).get(ordinal, "")
    return str(fact).startswith("script ")
