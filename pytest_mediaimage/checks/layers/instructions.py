"""What an image's history says of the Dockerfile instructions that made its layers.

BuildKit and kaniko write `COPY . /app # buildkit` and `RUN |1 ARG=x /bin/sh -c make # buildkit`, the classic builder
and buildah `/bin/sh -c #(nop) COPY dir:0123 in /app ` and `/bin/sh -c make`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOP = "#(nop)"
_BUILDKIT = "# buildkit"
# What decides stands at the beginning; a history may hold scripts of megabytes.
_LONGEST = 20_000
_ARGUMENTS = re.compile(r"\|\d+ .*?(?=/(?:usr/)?bin/\w{1,4} -)", re.DOTALL)
_SHELL = re.compile(r"(?:/usr)?/bin/(?:ba|da|a|z)?sh (?:-\w+ (?:[a-z]\w* )?)*?-\w*c ")
_WORDS = ("RUN", "COPY", "ADD", "WORKDIR")
_SEPARATOR = re.compile(r"&&|\|\||;|\n")
_REDIRECTED = re.compile(r"\s\d?>.*$")

# Each installs packages by name or by a manifest, and needs nothing of an application's source to do so.
_INSTALLERS = re.compile(
    r"""(?:sudo\ )?(?:\w+=\S*\ )*(?:
    apt(?:-get)?\ (?:-\S+\ )*install | apk\ (?:-\S+\ )*add | (?:micro)?dnf\ (?:-\S+\ )*install
    | yum\ (?:-\S+\ )*install | zypper\ (?:-\S+\ )*(?:install|in)\b | pacman\ -S\w*
    | (?:python3?\ -m\ )?pip3?\ (?:-\S+\ )*install | uv\ pip\ install | (?:conda|mamba|micromamba)\ (?:-\S+\ )*install
    | npm\ (?:-\S+\ )*(?:ci|install|i)\b | pnpm\ (?:-\S+\ )*(?:install|i)\b | yarn\ (?:-\S+\ )*install
    | go\ mod\ download | cargo\ fetch | bundle\ install | gem\ install | composer\ install
    )""",
    re.VERBOSE,
)
_MANIFEST_OPTIONS = frozenset(("-r", "--requirement", "--requirements", "-c", "--constraint"))
_PACKAGE_FILE = (".whl", ".deb", ".rpm", ".apk", ".tar.gz", ".tgz", ".gem", ".zip")


@dataclass(frozen=True, slots=True)
class Instruction:
    """`word` is RUN, COPY, ADD or WORKDIR, empty for what no Dockerfile made; `text` is the rest of it."""

    word: str
    text: str

    @property
    def copies(self) -> bool:
        return self.word in ("COPY", "ADD")

    @property
    def target(self) -> str:
        """Where a copy goes: its last word."""
        words = self.text.split()
        return words[-1] if words else ""

    @property
    def sources(self) -> list[str]:
        """What a copy takes, as far as the builder tells."""
        words = [word for word in self.text.split() if not word.startswith("--")]
        return [word for word in words[:-1] if word != "in"]

    @property
    def copies_all(self) -> bool:
        """Whether it copies the whole context, or a directory the builder kept no name of, to below the root."""
        if not self.copies or self.target.rstrip("/") == "":
            return False  # a root file system, as s6-overlay's users lay it
        return any(source in (".", "./", "*", "./*") or source.startswith("dir:") for source in self.sources)

    def installs(self) -> str:
        """The command of a RUN that installs packages without needing the application's source; empty for none."""
        if self.word == "RUN":
            for command in _SEPARATOR.split(self.text):
                words = " ".join(_REDIRECTED.sub("", command).split())
                if (match := _INSTALLERS.match(words)) and not _needs_source(words[match.end() :].split()):
                    return words
        return ""


def parse(created_by: str) -> Instruction:
    """The instruction that a line of the history stands for."""
    text = created_by.strip()[:_LONGEST].removesuffix(_BUILDKIT).rstrip()
    if _NOP in text:
        word, _, rest = text.partition(_NOP)[2].strip().partition(" ")
        return Instruction(word, rest.strip()) if word in _WORDS else Instruction("", text)
    word, _, rest = text.partition(" ")
    if word in _WORDS:
        return Instruction(word, _command(rest) if word == "RUN" else rest.strip())
    command = _command(text)
    return Instruction("RUN", command) if command != text else Instruction("", text)


def _command(text: str) -> str:
    """A shell's command without the shell and without build arguments."""
    text = text.strip()
    if match := _ARGUMENTS.match(text):
        text = text[match.end() :]
    return text[match.end() :] if (match := _SHELL.match(text)) else text


def _needs_source(arguments: list[str]) -> bool:
    """Whether an installer is given something that was copied, other than a manifest."""
    named = ["", *arguments]
    return any(
        word.startswith((".", "/", "~", "-e", "--editable", "file:", "$")) or word.endswith(_PACKAGE_FILE)
        for before, word in zip(named, arguments, strict=False)
        if before not in _MANIFEST_OPTIONS
    )
