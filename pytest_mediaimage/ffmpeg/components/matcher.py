"""Finds the libraries of a build, each with its evidence."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from ..configuration import enabled_options, release
from ..evidence import LONGEST, Evidence
from ..search import find
from .model import Component, Demand, Linkage, Row
from .versions import below, tidy

if TYPE_CHECKING:
    from ..elf import ElfFile
    from ..identity import FFmpegIdentity

# The rows are imported where they are used: a run that meets no FFmpeg doesn't pay for them.

TABLE, VERSION, TEXT, SYMBOL, NEEDED, CONFIGURATION, UNPROVEN = 1.0, 0.95, 0.9, 0.9, 0.9, 0.8, 0.7
"""Confidence by what was found; UNPROVEN: a text or symbol that nothing at hand has shown."""

_AROUND = 256  # bytes before and after a text in which its version stands
_TRIES = 64  # places that are looked at for one version: a bound against files made to cost time
_NAMES = 16  # of one library that are kept, for the same reason
_LINKED: dict[Linkage, int] = {"static": 2, "shared": 1, "configured": 0}


def find_components(
    elf: ElfFile, identity: FFmpegIdentity, parts: Collection[str] = frozenset()
) -> tuple[Component, ...]:
    """What one file holds or links to, by id. FFmpeg's own codecs and libraries aren't among it.

    `parts` are the names that the file's tables list, each with its kind before it: ``encoder:libx264``,
    ``decoder:libdav1d``, ``filter:drawtext``, ``muxer:chromaprint``, ``demuxer:dvdvideo``, ``protocol:srt``.
    Raises ElfError for a file that is damaged.
    """
    from .rows import ROWS

    inside, stubs = _texts(elf)
    for id, symbol in _symbols(elf):
        inside.setdefault(id, []).append(symbol)
    needed = _by_soname([*(Evidence("needed", name[:LONGEST], None, NEEDED) for name in elf.needed), *stubs])
    versions = _versions(elf, [ROWS[id] for id in inside])
    options = enabled_options(identity.configuration or "")
    built = release(identity)
    found = []
    for id, row in ROWS.items():
        listed = [Evidence("codec-table", part, None, TABLE) for part in row.parts if part in parts]
        evidence = [*inside.get(id, ()), *versions.get(id, ())]
        linkage: Linkage = "static"
        if not evidence and id in needed:
            linkage = "shared"
        elif not evidence and not listed:
            linkage = "configured"
        evidence += [*needed.get(id, ()), *listed]
        if enabled := _enabled(row, options):
            evidence.append(_flag(enabled, identity))
        if evidence:
            asked = enabled is not None or not row.by_option
            found.append(_component(row, linkage, evidence, built, asked=asked))
    return tuple(sorted(found, key=lambda one: one.id))


def configured_components(identity: FFmpegIdentity) -> tuple[Component, ...]:
    """What the configure line alone tells, by id: the last --enable or --disable of each library counts."""
    from .rows import ROWS

    options, built = enabled_options(identity.configuration or ""), release(identity)
    found = ((row, option) for _, row in sorted(ROWS.items()) if (option := _enabled(row, options)))
    return tuple(_component(row, "configured", [_flag(option, identity)], built) for row, option in found)


def combine_components(files: Iterable[Iterable[Component]]) -> tuple[Component, ...]:
    """One build's components from those of its files, by id: what a file holds or links to outweighs a flag.

    Each file of a shared build carries the whole configure line, and only one of them the library.
    """
    told: dict[str, list[Component]] = {}
    for components in files:
        for one in components:
            told.setdefault(one.id, []).append(one)
    return tuple(_combined(several) for _, several in sorted(told.items()))


def _combined(several: list[Component]) -> Component:
    best = max(several, key=lambda one: (_LINKED[one.linkage], one.version is not None, one.confidence))
    # Offsets are those of one file, so that only what has none may be joined.
    others = [one for other in several for one in other.evidence if one.offset is None]
    evidence = tuple(dict.fromkeys([*best.evidence, *others]))
    return Component(best.name, best.id, best.version, best.license, best.demand, best.linkage, evidence)


def _component(
    row: Row, linkage: Linkage, evidence: list[Evidence], built: tuple[int, int | None] | None, *, asked: bool = True
) -> Component:
    version = tidy(row, evidence)
    known = version or _soname_version(row, evidence)
    license, demand = row.license, row.demand
    if row.demand is Demand.OPENSSL and known:
        demand = Demand.VERSION3_WITH_GPL
    if not asked or not _still_asked(row, built):
        demand = Demand.NONE
    if row.older and below(known, row.older.below):
        license, demand = row.older.license, row.older.demand or demand
    return Component(row.name, row.id, version, license, demand, linkage, tuple(evidence))


def _still_asked(row: Row, built: tuple[int, int | None] | None) -> bool:
    """Whether this release's configure makes the row's demand; an unknown release makes all."""
    if row.last is None or built is None:
        return True
    major, minor = built
    return major < row.last[0] or (major == row.last[0] and (minor is None or minor <= row.last[1]))


def _soname_version(row: Row, evidence: list[Evidence]) -> str | None:
    """OpenSSL's sonames are its versions: libssl.so.3, libcrypto.so.1.1."""
    if row.demand is Demand.OPENSSL:
        for one in evidence:
            if one.technique == "needed" and (match := re.search(r"\.so\.(\d[\d.]*)$", one.text)):
                return match[1]
    return None


def _enabled(row: Row, options: Mapping[str, bool]) -> str | None:
    """The option by which the configure line enables a library."""
    names = (row.id, *row.aliases) if row.option else row.aliases
    return next((name for name in names if options.get(name)), None)


def _flag(option: str, identity: FFmpegIdentity) -> Evidence:
    line, start = identity.configuration or "", identity.offsets.get("configuration")
    words = list(re.finditer(rf"--enable-{option.replace('_', '[-_]')}(?=[\s'\"]|$)", line))
    if not words:
        return Evidence("configuration", f"--enable-{option.replace('_', '-')}", None, CONFIGURATION)
    offset = None if start is None else start + len(line[: words[-1].start()].encode())
    return Evidence("configuration", words[-1][0], offset, CONFIGURATION)


def _by_soname(needed: Iterable[Evidence]) -> dict[str, list[Evidence]]:
    """Libraries by the names that the file asks the loader for; auditwheel puts a hash before ``.so``."""
    stems = _stems()
    found: dict[str, list[Evidence]] = {}
    for one in needed:
        stem = re.sub(r"(?:-[0-9a-f]{8})?\.so(?:\.[\w.+-]*)?$", "", one.text)
        for id in stems.get(stem) or stems.get(re.sub(r"-[\d.]+$", "", stem)) or ():
            if len(found.setdefault(id, [])) < _NAMES:
                found[id].append(one)
    return found


@cache
def _stems() -> dict[str, list[str]]:
    from .rows import ROWS

    stems: dict[str, list[str]] = {}
    for id, row in ROWS.items():
        for stem in row.sonames:
            stems.setdefault(stem, []).append(id)
    return stems


_STUB, _STUB_NAME = b"implib-gen: ", re.compile(rb"implib-gen: (lib[\w.+-]{1,80}): failed to init mutex")
"""What Implib.so leaves for a library that a static build loads while running, as BtbN's builds do with libva."""


def _symbols(elf: ElfFile) -> Iterator[tuple[str, Evidence]]:
    from .proofs import UNSEEN
    from .rows import ROWS

    defined = elf.defined_symbols()
    for id, row in ROWS.items():
        for symbol in row.symbols:
            names = [symbol] if symbol in defined else []
            if symbol.endswith("*"):
                names = sorted(name for name in defined if name.startswith(symbol[:-1]))[:1]
            for name in names:
                yield id, Evidence("symbol", name, None, UNPROVEN if symbol in UNSEEN else SYMBOL)


def _texts(elf: ElfFile) -> tuple[dict[str, list[Evidence]], list[Evidence]]:
    """Rows one of whose texts stands in the file, and the stubs that load a library.

    A literal `find` each: regular expressions are ten times slower.
    """
    from .proofs import UNSEEN
    from .rows import ROWS

    wanted = {id: row.texts for id, row in ROWS.items() if row.texts}
    found: dict[str, list[Evidence]] = {}
    stubs: dict[str, Evidence] = {}
    for start, data in _pieces(elf):
        for id, texts in list(wanted.items()):
            for text in texts:
                at = find(data, text)
                if at >= 0:
                    confidence = UNPROVEN if text in UNSEEN else TEXT
                    found[id] = [_evidence("presence-text", data, start, at, at + len(text), confidence)]
                    del wanted[id]
                    break
        if find(data, _STUB) >= 0:
            for match in islice(_STUB_NAME.finditer(data), _TRIES - len(stubs)):
                stubs.setdefault(match[1].decode(), _evidence("needed", data, start, *match.span(1), NEEDED))
    return found, list(stubs.values())


def _versions(elf: ElfFile, rows: Iterable[Row]) -> dict[str, list[Evidence]]:
    """The version texts of rows that are known to be in the file."""
    wanted = {row.id: row.versions for row in rows}
    found: dict[str, list[Evidence]] = {}
    for last in (False, True):
        left = {
            id: some
            for id, versions in wanted.items()
            if id not in found and (some := [one for one in versions if one.last is last])
        }
        for start, data in _pieces(elf) if left else ():
            for id, versions in list(left.items()):
                for version in versions:
                    if evidence := _version(version.near, re.compile(version.pattern), start, data):
                        found[id] = [evidence]
                        del left[id]
                        break
            if not left:
                break
    return found


def _version(near: bytes, pattern: re.Pattern[bytes], start: int, data: bytes) -> Evidence | None:
    at = find(data, near)
    for _ in range(_TRIES):
        if at < 0:
            return None
        low = max(at - _AROUND, 0)
        if match := pattern.search(data, low, at + len(near) + _AROUND):
            return _evidence("library-text", data, start, *match.span("version"), VERSION)
        at = data.find(near, at + 1)
    return None


def _evidence(technique: str, data: bytes, start: int, low: int, high: int, confidence: float) -> Evidence:
    """The text from `low` on, to its end if it is near: a reader wants to see the whole."""
    if technique == "presence-text":
        end = data.find(b"\0", high, low + LONGEST)
        high = high if end < 0 else end
    raw = data[low:high]
    text = raw.strip(b"\0").decode("utf-8", "backslashreplace")[:LONGEST]
    return Evidence(technique, text, start + low + (len(raw) - len(raw.lstrip(b"\0"))), confidence)


def _pieces(elf: ElfFile) -> Iterator[tuple[int, bytes]]:
    """The file's data with the end of each piece before the next one, so that no text is cut."""
    end, tail = -1, b""
    for start, data in elf.pieces():
        joined = tail + data if start == end else data
        yield start + len(data) - len(joined), joined
        end, tail = start + len(data), joined[-2 * _AROUND :]
