"""What a kernel finds and may start in an image: programs by name, their interpreters, and who may run them."""

from __future__ import annotations

from collections.abc import Sequence

from ...image.analysers import kind
from ...image.entries import FILE
from ...image.image import Image
from ...image.tree import Node
from ...runtime.base import DEFAULT_PATH
from .accounts import Account

_EXECUTABLE = 0o111


def find(image: Image, name: str) -> Node | None:
    """What an engine would start: a path, relative to the working directory, or else the first match on PATH.

    As Go's exec.LookPath in runc: on PATH only what is executable counts; a path may also lead to what isn't.
    """
    tree, config = image.tree, image.config
    if "/" in name:
        node = tree.resolve(name if name.startswith("/") else f"{config.working_dir or '/'}/{name}")
        return node if node is not None and node.type == FILE else None
    for folder in (config.env.get("PATH") or DEFAULT_PATH).split(":"):
        node = tree.resolve(f"{folder or config.working_dir or '/'}/{name}")
        if node is not None and node.type == FILE and is_executable(node):
            return node
    return None


def is_executable(node: Node) -> bool:
    return bool(node.entry.mode & _EXECUTABLE)


def refuses(image: Image, node: Node, who: Account) -> str | None:
    """The file or folder that keeps this account from starting the program, or None."""
    if who.uid == 0:
        return None
    parts = node.path.split("/")
    for depth in range(1, len(parts) + 1):
        step = image.tree.get("/".join(parts[:depth]))
        if step is not None and not _may_execute(step, who):
            return "/" + step.path
    return None


def _may_execute(node: Node, who: Account) -> bool:
    entry = node.entry
    if entry.uid == who.uid:
        return bool(entry.mode & 0o100)
    if entry.gid in who.groups:
        return bool(entry.mode & 0o010)
    return bool(entry.mode & 0o001)


def interpreter(image: Image, node: Node) -> Sequence[str]:
    """What the kernel starts for a script: the interpreter and what stands behind it. Empty for what is no script."""
    layer, ordinal = node.content
    fact = image.layer_facts[layer].found.get(kind.NAME, {}).get(ordinal, "")
    return str(fact).split()[1:] if str(fact).startswith("script ") else ()


def asked_of_env(words: Sequence[str]) -> str | None:
    """The program that `/usr/bin/env` is to find (env(1)); None where the words don't tell."""
    for word in words:
        if word in ("-S", "-i", "--split-string", "--ignore-environment") or ("=" in word and not word.startswith("-")):
            continue
        return None if word.startswith("-") else word
    return None
