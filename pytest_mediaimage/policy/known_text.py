"""How a file of known findings is written: sorted, and with what people wrote into it kept."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import PolicyError
from .known import Known, KnownFile, parse_known

Images = Mapping[str, Mapping[str, Known]]

HEADER = """\
# Findings that are accepted for a time. What is not in here fails, and so does an entry whose day has passed.
# --media-update-known adds what is new, takes out what is mended, and keeps owner, reason, until and comments.
version: 1
"""


def updated_text(before: KnownFile, images: Images) -> tuple[str, bool]:
    """The file with `images` for its content, and whether its comments could be kept.

    Entries that stay keep their lines. Where the file is written in another style than ours (as `[{check: ...}]`) it
    is written anew, without comments.
    """
    if before.text:
        text = _Edited(before).with_images(images)
        try:
            if parse_known(text.encode(), before.path).images == _without_empty(images):
                return text, True
        except (PolicyError, UnicodeEncodeError):
            pass
    plain = [HEADER, *_joined({name: _image(name, entries) for name, entries in _without_empty(images).items()})]
    return "".join(plain), "#" not in before.text.removeprefix(HEADER)


def _without_empty(images: Images) -> dict[str, Mapping[str, Known]]:
    return {name: entries for name, entries in sorted(images.items()) if entries}


def _image(name: str, entries: Mapping[str, Known]) -> str:
    listed = sorted(entries.values(), key=lambda entry: entry.order)
    return f"  {_scalar(name)}:\n" + "".join(_entry(entry) for entry in listed)


def _joined(images: Mapping[str, str]) -> list[str]:
    return ["images:\n", *images.values()] if images else ["images: {}\n"]


def _entry(entry: Known) -> str:
    lines = [f"check: {entry.check}"]
    if entry.file:
        lines.append(f"file: {_scalar(entry.file)}")
    if entry.finding:
        lines.append(f"finding: {_scalar(entry.finding)}")
    if entry.bytes is not None:
        lines.append(f"bytes: {entry.bytes}")
    lines.append(f'fingerprint: "{entry.fingerprint}"')
    if entry.platforms:
        lines.append(_platforms(entry))
    lines += [f"owner: {_scalar(entry.owner)}", f"reason: {_scalar(entry.reason)}", f"until: {entry.until}"]
    return "    - " + "\n      ".join(lines) + "\n"


def _platforms(entry: Known) -> str:
    return f"platforms: [{', '.join(_scalar(platform) for platform in entry.platforms)}]"


def _scalar(text: str) -> str:
    """Plain where that reads back as the same text, else in double quotes, on one line."""
    import yaml

    if re.fullmatch(r"[A-Za-z/][\w./@+-]*(?: [\w./@+-]+)*", text, re.ASCII) and yaml.safe_load(text) == text:
        return text
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return dumped.rstrip("\n")


class _Edited:
    """The lines of a file, cut into what belongs to each image and each entry, comments above them included."""

    def __init__(self, file: KnownFile) -> None:
        self._file = file
        self._lines = file.text.splitlines(keepends=True)
        starts = [(line, name, "") for name, line in file.lines.items()]
        starts += [(e.line, name, e.fingerprint) for name, entries in file.images.items() for e in entries.values()]
        starts.sort(key=lambda start: (start[0], start[2] != ""))
        begins = [self._with_comments(line - 1) for line, _, _ in starts]
        ends = [*begins[1:], len(self._lines)] if begins else []
        self._header = "".join(self._lines[: begins[0]] if begins else self._lines)
        self._chunks = {
            (name, fingerprint): self._whole("".join(self._lines[begin:end]))
            for (_, name, fingerprint), begin, end in zip(starts, begins, ends, strict=True)
        }

    def _with_comments(self, line: int) -> int:
        while line > 0 and self._lines[line - 1].lstrip().startswith("#"):
            line -= 1
        return line

    @staticmethod
    def _whole(chunk: str) -> str:
        return chunk if chunk.endswith("\n") else f"{chunk}\n"

    def with_images(self, images: Images) -> str:
        header = re.sub(r"(?m)^images:.*\n?", "", self._header)
        return "".join(
            [self._whole(header), *_joined({n: self._image(n, e) for n, e in _without_empty(images).items()})]
        )

    def _image(self, name: str, entries: Mapping[str, Known]) -> str:
        chunk = self._chunks.get((name, ""), f"  {_scalar(name)}:\n")
        chunk = re.sub(r":[ \t]*\[\][ \t]*$", ":", chunk, flags=re.MULTILINE)  # a list that was empty
        listed = sorted(entries.values(), key=lambda entry: entry.order)
        return chunk + "".join(self._entry(name, entry) for entry in listed)

    def _entry(self, name: str, entry: Known) -> str:
        before = self._file.images.get(name, {}).get(entry.fingerprint)
        if before is None:
            return _entry(entry)
        chunk = self._chunks[name, entry.fingerprint]
        if entry.bytes != before.bytes:
            chunk = re.sub(r"(?m)^(\s*(?:- )?)bytes:.*$", rf"\g<1>bytes: {entry.bytes}", chunk, count=1)
        if entry.platforms != before.platforms:
            written = _platforms(entry).replace("\\", r"\\")
            chunk = re.sub(r"(?m)^(\s*(?:- )?)platforms:.*$", rf"\g<1>{written}", chunk, count=1)
        return chunk
