"""`config.entrypoint`: whether what a container is to start can be started, and hears when it is to stop."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence

from ...image.analysers import dos_scripts, shell_scripts
from ...image.image import Image
from ...image.tree import Node
from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .accounts import Account, Unknown, account
from .programs import asked_of_env, find, interpreter, is_executable, refuses

_MOST_INTERPRETERS = 4  # Linux, fs/exec.c: exec_binprm stops at five
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
# Small programs that start another as their child, hand signals on, and are process 1 for that.
_INITS = frozenset({"tini", "tini-static", "dumb-init", "catatonit", "docker-init"})
# These shells become the program where a command is a single one; dash stays its parent (dash 0.5.12, bash 5.2).
_REPLACED = frozenset({"bash", "busybox", "zsh", "ksh93", "mksh"})
_EXEC = re.compile(r"(?:^|[;&|\n]\s*|\s)exec\s")
_COMPOUND = re.compile(r"[;&|\n]|\$\(|`")
# These run each command of a script as a child; whether others become the last one isn't known.
_STAYING = frozenset({"sh", "ash", "bash", "busybox", "dash"})
_TERM = ("", "15", "TERM", "SIGTERM")


@check(
    "config.entrypoint",
    fails="an entry point or command whose program, or the interpreter of whose script, the image lacks or can't "
    "execute. What keeps only its user from it, or keeps SIGTERM from the program, warns",
    why="Such a container never starts, or is killed in the middle of an encode because it never heard the signal.",
)
def entrypoint(context: Context) -> Iterator[Finding]:
    config = context.image.config
    argv = [*_words(config.entrypoint), *_words(config.cmd)]
    if not argv:
        context.skip("the image names neither an entry point nor a command")
    context.measure(argv[0], budget="can be started")
    for name in _programs(argv):
        yield from _startable(context, name)
    yield from _hears(context, argv)


def _words(written: Sequence[str]) -> Sequence[str]:
    """`ENTRYPOINT [""]` is how an inherited one is taken back."""
    return () if list(written) == [""] else written


def _programs(argv: Sequence[str]) -> Iterator[str]:
    """What is started first, and what an init such as tini starts next."""
    yield argv[0]
    rest = argv[1:]
    if argv[0].rpartition("/")[2] in _INITS and rest:
        if "--" in rest:
            rest = rest[rest.index("--") + 1 :]
        if rest and not rest[0].startswith("-"):
            yield rest[0]


def _startable(context: Context, name: str) -> Iterator[Finding]:
    image = context.image
    node = find(image, name)
    where = "" if "/" in name else f" on its PATH ({image.config.env.get('PATH') or 'the default one'})"
    if node is None:
        said = "ENTRYPOINT" if _words(image.config.entrypoint) else "CMD"
        yield Finding(
            f"no container can start: {name} isn't in the image{where}",
            file=name if name.startswith("/") else None,
            evidence=f"missing {name}",
            fix=f"Mend the path in {said}{_near(image, name)}, or copy the program into the image; a shell form "
            "(`CMD ffmpeg ...`) needs /bin/sh, the exec form "
            '(`CMD ["ffmpeg", ...]`) doesn\'t.',
        )
        return
    yield from _executable(context, node)
    yield from _interpreters(context, node)


def _near(image: Image, path: str) -> str:
    """The program of the same folder that was probably meant."""
    folder, _, name = path.lstrip("/").rpartition("/")
    there = (node for node in image.tree if node.path.rpartition("/")[0] == folder and is_executable(node))
    close = difflib.get_close_matches(name, [node.path.rpartition("/")[2] for node in there], n=1) if folder else []
    return f" (/{folder}/{close[0]} is there)" if close else ""


def _executable(context: Context, node: Node) -> Iterator[Finding]:
    if not is_executable(node):
        yield context.finding(
            f"no container can start: /{node.path} isn't executable (mode {node.entry.mode & 0o7777:04o})",
            layer=node.layer,
            file=f"/{node.path}",
            evidence="not executable",
            fix=f"Write `COPY --chmod=755`, or `RUN chmod +x /{node.path}` in the step that makes it.",
        )
        return
    who = _who(context)
    if who is not None and (place := refuses(context.image, node, who)):
        yield context.finding(
            f"the user {context.image.config.user} (uid {who.uid}) may not execute /{node.path}: {place} refuses",
            severity=Severity.WARNING,
            layer=node.layer,
            file=f"/{node.path}",
            evidence=f"refused at {place}",
            fix=f"Open {place} for others (`chmod o+rx`), or put the program where everybody may reach it.",
        )


def _who(context: Context) -> Account | None:
    try:
        return account(context.image)
    except Unknown:  # config.user tells it
        return None


def _interpreters(context: Context, script: Node) -> Iterator[Finding]:
    node = script
    for _ in range(_MOST_INTERPRETERS):
        words = interpreter(context.image, node)
        if not words:
            return
        name = words[0]
        layer, ordinal = node.content
        if ordinal in context.image.layer_facts[layer].found.get(dos_scripts.NAME, {}):
            yield context.finding(
                f"no container can start: the first line of /{node.path} ends with a carriage return, and so names an "
                rf"interpreter {name}\r",
                layer=node.layer,
                file=f"/{node.path}",
                evidence="carriage return",
                fix="Save the script with Unix line ends: `*.sh text eol=lf` in .gitattributes.",
            )
            return
        found = find(context.image, name)
        if found is not None and name.rpartition("/")[2] == "env" and (asked := asked_of_env(words[1:])):
            name, found = asked, find(context.image, asked)
        if found is None or not is_executable(found):
            yield context.finding(
                f"no container can start: /{node.path} is a script for {name}, which "
                f"{'the image lacks' if found is None else 'is not executable'}",
                layer=node.layer,
                file=f"/{node.path}",
                evidence=f"interpreter {name}",
                fix=f"Install {name}, or write the script for a shell that the image has.",
            )
            return
        node = found


def _hears(context: Context, argv: Sequence[str]) -> Iterator[Finding]:
    """Whether a shell is process 1 and keeps SIGTERM for itself."""
    if len(argv) < 3 or argv[0].rpartition("/")[2] not in _SHELLS or not re.fullmatch(r"-[a-z]*c[a-z]*", argv[1]):
        yield from _script_hears(context, argv)
        return
    command = argv[2]
    if _EXEC.search(command):
        return
    node = find(context.image, argv[0])
    if node is None:
        return
    if node.path.rpartition("/")[2] in _REPLACED and not _COMPOUND.search(command):
        return
    yield Finding(
        f"process 1 is the shell of `{argv[0]} {argv[1]}`, which doesn't hand SIGTERM on: the program is killed "
        "when the time to stop is over",
        severity=Severity.WARNING,
        evidence="shell form",
        fix='Write the exec form (`ENTRYPOINT ["ffmpeg", ...]`), or begin the shell\'s last command with `exec`.',
    )


def _script_hears(context: Context, argv: Sequence[str]) -> Iterator[Finding]:
    """The same of a small script, where its text tells surely."""
    image = context.image
    is_handed = len(argv) > 1 and argv[0].rpartition("/")[2] in _SHELLS
    script = find(image, f"./{argv[1]}" if is_handed and "/" not in argv[1] else argv[1 if is_handed else 0])
    if script is None or _stop_signal(image) not in _TERM:
        return
    layer, ordinal = script.content
    does = str(image.layer_facts[layer].found.get(shell_scripts.NAME, {}).get(ordinal, "")).partition(" ")[0]
    if does == shell_scripts.IGNORES:
        message, evidence = f'/{script.path} ignores SIGTERM (`trap ""`) and is process 1', "trap ignores SIGTERM"
        fix = "Take TERM out of that trap, and begin the script's last command with `exec`."
    elif does == shell_scripts.KEEPS and _shell_of(image, argv[0] if is_handed else None, script) in _STAYING:
        message = (
            f"process 1 is the shell of the script /{script.path}, which neither ends with `exec` nor traps SIGTERM"
        )
        evidence = "script without exec"
        fix = "Begin the script's last command with `exec`, or trap TERM, hand it on and wait."
    else:
        return
    yield context.finding(
        f"{message}: what it runs is killed when the time to stop is over",
        severity=Severity.WARNING,
        layer=script.layer,
        file=f"/{script.path}",
        evidence=evidence,
        fix=fix,
    )


def _shell_of(image: Image, named: str | None, script: Node) -> str:
    """The name of the program that runs the script, links followed."""
    words = [named] if named else interpreter(image, script)
    node = find(image, words[0]) if words else None
    if node is not None and node.path.rpartition("/")[2] == "env" and (asked := asked_of_env(words[1:])):
        node = find(image, asked)
    return node.path.rpartition("/")[2] if node else ""


def _stop_signal(image: Image) -> str:
    """What a container is sent to end; empty where the image says nothing, which means SIGTERM."""
    run = json.loads(image.config.raw).get("config")
    return str((run.get("StopSignal") if isinstance(run, dict) else None) or "").upper()
