"""What small shell scripts do with SIGTERM as process 1, and which FFmpeg they call, as far as their text tells surely.

The rules are POSIX's: a trapped "" is ignored by whatever the shell starts; a shell that has no trap and is process 1
gets no SIGTERM at all (pid_namespaces(7)), and only `exec` puts a program in its place.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from ..entries import Entry
from .named import Named

NAME = "shell-scripts"
IGNORES, KEEPS, UNKNOWN = "ignores", "keeps", "unknown"

_SHELL = re.compile(rb"#!\s*/(?:\S*/)?(?:env\s+(?:-S\s+)?)?(?:\S*/)?(?:ba|da|a|z|k)?sh(?:\s|$)")
# Maintainers' scripts and a distribution's own data: thousands, and nothing that an image starts.
_NOT_STARTED = ("var/lib/dpkg/", "usr/share/")
_MOST_CALLS = 8

_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
# `exec >log 2>&1` opens files, and the shell stays.
_ONLY_OPENS = re.compile(
    r"(?<![-\w])exec(?:[ \t]+(?:\d*|&)(?:>>|>&|<&|>|<)[ \t]*[^\s;&|()<>]+)+[ \t]*(?=$|[;\n])", re.MULTILINE
)
# Another program in its place, or text that isn't here.
_BEYOND = re.compile(r"(?<![-\w])exec\b|(?<![\w-])(?:eval|source)\s|(?:^|[;&|\s])\.\s|<<(?!<)", re.MULTILINE)
_TRAP = re.compile(r"(?<![\w-])trap\b")
_IGNORING = re.compile(r"""^trap[ \t]+(?:--[ \t]+)?(?:""|'')((?:[ \t]+\w+)+)[ \t]*(?=$|[;&#\n])""", re.MULTILINE)
_TERM = re.compile(r"\b(?:SIG)?TERM\b|\b15\b", re.IGNORECASE)
_FUNCTION = re.compile(r"^[ \t]*(?:function[ \t]+)?([\w-]+)[ \t]*\(\)|^[ \t]*function[ \t]+([\w-]+)", re.MULTILINE)
_CALLED = re.compile(r"(?<![\w.$}/-])/[\w./+-]*ff(?:mpeg|probe)[\w.+-]*")
_WORTH_A_LOOK = re.compile(r"ffmpeg|ffprobe|\$[@*]")
_ASSIGNMENT = re.compile(r"\w+=")
_PROGRAM = re.compile(r"[\w./+-]+|\$[@*]")
# Words of the shell, and programs that are through before anybody could stop them.
_SHORT = """
    if then elif else fi while until for do done case esac select function time coproc in
    break cd command continue echo exit export false local printf pwd read readonly return set shift test true trap
    type ulimit umask unset wait alias builtin declare getopts hash jobs kill let shopt times typeset
    basename cat chgrp chmod chown cp cut date dirname env find getent grep head hostname id install ldconfig ln ls
    mkdir mktemp mv readlink realpath rm rmdir sed sleep sort stat tail tar tee touch tr uname wc which whoami
"""
_NO_JOB = frozenset(_SHORT.split())


class ShellScripts:
    """The fact is `ignores`, `keeps` or `unknown`, and after it the paths of FFmpeg's tools that the text names.

    `ignores`: SIGTERM is trapped with "". `keeps`: what the script runs is a child of a shell without a trap.
    Scripts of more than 4096 bytes get no fact, nor do those of which nothing is known.
    """

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> Named | None:
        if head[:2] != b"#!" or entry.size > len(head) or not _SHELL.match(head):
            return None
        if entry.path.startswith(_NOT_STARTED) or "/node_modules/" in entry.path:
            return None
        text = _COMMENT.sub("", head.decode("utf-8", "replace").replace("\\\n", " "))
        signals, called = signals_of(text), list(dict.fromkeys(_CALLED.findall(text)))[:_MOST_CALLS]
        return Named(" ".join([signals, *called])) if called or signals != UNKNOWN else None


def signals_of(text: str) -> str:
    """What a script without its comments, long lines joined, does with SIGTERM as process 1."""
    text = _ONLY_OPENS.sub("", text)
    if _BEYOND.search(text):
        return UNKNOWN
    if _TRAP.search(text):
        ignoring = [match[1] for match in _IGNORING.finditer(text)]
        others = _IGNORING.sub("", text)
        is_deaf = any(map(_TERM.search, ignoring)) and not any(map(_may_hear, others.splitlines()))
        return IGNORES if is_deaf else UNKNOWN
    lines = [line for line in text.splitlines() if line.strip()]
    waits = any(line.split()[0] == "wait" for line in lines)
    own = {name for match in _FUNCTION.finditer(text) for name in match.groups() if name}
    while lines and lines[-1].split()[0] in ("exit", "wait"):
        lines.pop()
    for number, line in enumerate(lines):
        is_last = number == len(lines) - 1
        if line[0] in " \t" or not (is_last or _WORTH_A_LOOK.search(line)):
            continue
        for program, in_background in _programs(line):
            is_job = program.rpartition("/")[2] not in _NO_JOB and program not in own
            if is_job and (waits or not in_background):
                return KEEPS
    return UNKNOWN


def _may_hear(line: str) -> bool:
    trap = _TRAP.search(line)
    return trap is not None and bool(_TERM.search(line, trap.end()) or "$" in line[trap.end() :])


def _programs(line: str) -> Iterator[tuple[str, bool]]:
    """The programs that a line starts, and whether in the background. Nothing where it can't be taken apart."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    try:
        found = list(words)
    except ValueError:  # a quotation goes on in the next line
        return
    command: list[str] = []
    for word in [*found, ";"]:
        if word not in (";", "&", "&&", "||", "|"):
            command.append(word)
            continue
        while command and _ASSIGNMENT.match(command[0]):
            command.pop(0)
        if command and _PROGRAM.fullmatch(command[0]) and "()" not in command[1:2]:
            yield command[0], word == "&"
        command = []
