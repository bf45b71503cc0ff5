"""Which FFmpeg a file is, from the texts that FFmpeg compiles into itself. Nothing is run.

What FFmpeg embeds (`libav*/version.c`, `fftools/opt_common.c` and `configure` of FFmpeg 4.1 to 9.0):

- each library: ``FFmpeg version V``, its configure line, ``libX license: L``, each ended by a NUL;
- each tool: ``%s version V``, ``%sbuilt with %s\\n`` and ``%sconfiguration: C\\n``; since 9.0 the first and
  the last read ``%s version %s`` and ``%sconfiguration: %s\\n``, and a shared build's tool holds neither value;
- libavcodec and libavformat: ``Lavc62.28.102``, ``Lavf62.12.102``; ffprobe all of its libraries.

The rule that tells them apart, for files that begin with the ELF magic:

- *tool*: the banner's two formats, ``%sbuilt with %s\\n`` and ``%sconfiguration: ``, stand in it;
- *library*: exactly one library's licence text, one of the five that configure can give, ended by a NUL,
  and with it a version or a configure line, since all three come from one source file;
- *embedded*: the same for several libraries: FFmpeg linked statically into another program or library;
- anything else merely links against FFmpeg or mentions it, and is no FFmpeg.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from .anchors import BEFORE, Gate, Piece
from .hardware import PATHS, HardwareTexts

LICENSE_TEXTS = {
    "LGPL version 2.1 or later": "LGPL-2.1-or-later",
    "LGPL version 3 or later": "LGPL-3.0-or-later",
    "GPL version 2 or later": "GPL-2.0-or-later",
    "GPL version 3 or later": "GPL-3.0-or-later",
    "nonfree and unredistributable": "LicenseRef-FFmpeg-nonfree",
}
"""FFmpeg's licence texts (`configure`, FFmpeg 9.0.2, line 4839) and their SPDX ids."""

BLOCK = 1 << 18
LONGEST = 16 << 10  # of a configure line; the longest seen has 2.9 kB
NEAR = BEFORE - 1  # how far the compiler stands from the banner or the configure line; 952 bytes in a 9.0.2
AHEAD = LONGEST + 2 * NEAR  # what must be at hand after the place where a text begins
KEEP = 64  # candidates of one kind, and
TRIES = 1024  # places of one kind that are looked at closely: bounds against files made to cost memory and time

_LIBRARY = rb"lib(?:avutil|avcodec|avformat|avfilter|avdevice|swscale|swresample|postproc)"
_BANNER = re.compile(  # looks ahead, so that no match swallows the next one
    rb"%s(?= version (?P<version>[!-~][ -~]{0,255})\0|configuration: (?P<configuration>)|built with %s\n\0(?P<built>))"
)
_VERSION = re.compile(rb"FFmpeg version ([!-~][ -~]{0,255})\0")
_LICENSE = re.compile(rb"(%s) license: (%s)\0" % (_LIBRARY, "|".join(map(re.escape, LICENSE_TEXTS)).encode()))
_CONFIGURATION = re.compile(rb"--[a-z0-9][^\0\n]{1,%d}(?=\0)" % LONGEST)
_OPTION = re.compile(
    rb"--(?:(?:enable|disable)-[a-z0-9]|(?:prefix|(?:sh)?libdir|bindir|arch|cpu|cc|toolchain|target-os|cross-prefix"
    rb"|extra-[a-z]+|pkg-config(?:-flags)?)=)"
)
# What libvpx's configure knows and FFmpeg's doesn't: libvpx embeds a line of the same look.
_LIBVPX = re.compile(
    rb"--(?:enable|disable)-(?:vp[89]|vp9-highbitdepth|unit-tests|runtime-cpu-detect|examples|docs|tools)\b|--target="
)
_IDENT = re.compile(rb"Lav(?P<name>c|fi|f|d|u)(?P<version>\d+\.\d+\.\d+)(?=[\0 ])")
_IDENT_MORE = re.compile(rb"(?P<name>SwS|SwR|postproc)(?P<version>\d+\.\d+\.\d+)(?=\0)")
_IDENT_NAMES = {
    b"c": "libavcodec",
    b"f": "libavformat",
    b"fi": "libavfilter",
    b"d": "libavdevice",
    b"u": "libavutil",
    b"SwS": "libswscale",
    b"SwR": "libswresample",
    b"postproc": "libpostproc",
}
_COMPILER = re.compile(rb"(?<=\0)(?:(?:llvm-)?gcc|[ -~]{0,80}?clang version) \d[ -~]{0,200}(?=\0)")
_PLAIN_VERSION = re.compile(rb"[nNv]?-?\d|git-|[0-9a-f]{7,40}\b")

Kind = Literal["tool", "library", "embedded"]
_Hit = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class FFmpegIdentity:
    """What one file says of the FFmpeg in it.

    `version` as FFmpeg prints it (``n8.1.2``, ``5.1.9-0+deb12u1``); None in a shared build's tool since 9.0.
    `configuration` is the configure line as ``-version`` shows it, empty where configure was called without
    options, None where the file doesn't hold it. `licenses` maps a library to its licence text, `libraries`
    to its version. `compiler` is what ``built with`` shows; only tools hold it. `offsets` gives the byte in
    the file where each evidence begins, by name: `version`, `configuration`, `compiler`,
    `license:libavcodec`, `library:libavcodec`. `hardware` lists the hardware paths that are compiled in, and
    `nvidia_driver` is the least NVIDIA driver that NVENC asks for; see `hardware`.
    """

    kind: Kind
    version: str | None
    configuration: str | None
    licenses: Mapping[str, str]
    libraries: Mapping[str, str]
    compiler: str | None
    offsets: Mapping[str, int]
    hardware: Sequence[str] = ()
    nvidia_driver: str | None = None

    @property
    def is_ffmpeg(self) -> bool:
        """True for FFmpeg's own tools and libraries, false where another program has FFmpeg linked in."""
        return self.kind != "embedded"


class IdentityScanner:
    """Reads a file's bytes once, in order, in chunks of any size: `feed` them, then `finish`.

    Holds 12 MiB at the most besides the chunk fed. The result doesn't depend on how the bytes were cut. Once the file
    may be an FFmpeg, `keep` is called in order with each piece, as (offset, bytes), that isn't code or long past.
    """

    def __init__(self, keep: Callable[[int, bytes], None] | None = None) -> None:
        self._gate = Gate(keep_lead=keep is not None)
        self._keep = keep
        self._texts: _Texts | None = None
        self._hardware = HardwareTexts()
        self._result: FFmpegIdentity | None = None
        self._finished = False

    def feed(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the file's next bytes. Does next to nothing for a file that isn't ELF."""
        self._read(self._gate.feed(bytes(chunk)))

    def finish(self) -> FFmpegIdentity | None:
        """The identity, or None where the file is no FFmpeg. May be called again."""
        if not self._finished:
            self._finished = True
            self._read(self._gate.end_of_head())
            found = self._texts.finish() if self._texts is not None else None
            if found is not None:
                found = replace(found, hardware=self._hardware.paths, nvidia_driver=self._hardware.nvidia_driver)
            self._result = found
            self._gate, self._texts, self._hardware = Gate(), None, HardwareTexts()
        return self._result

    def _read(self, pieces: Iterable[Piece]) -> None:
        for start, data in pieces:
            if self._texts is None:
                self._texts, self._hardware = _Texts(self._gate.counted), HardwareTexts(self._gate.counted)
                for piece in self._gate.lead:
                    self._pass_on(*piece)
                self._gate.lead = []
            self._pass_on(start, data)
            self._texts.feed(start, data)
            self._hardware.feed(start, data)

    def _pass_on(self, start: int, data: bytes) -> None:
        if self._keep is not None:
            for piece in self._gate.complete(start, data):
                self._keep(*piece)


class _Texts:
    """Finds FFmpeg's texts in a file, and judges by them which FFmpeg it is. Holds less than 300 KiB."""

    def __init__(self, counted: int) -> None:
        """Texts that begin before `counted`, an offset in the file, don't count."""
        self._counted = counted
        self._parts: list[bytes] = []  # what isn't scanned yet, after `margin` bytes that were
        self._size = 0
        self._margin = counted
        self._start = 0  # the file's offset of the first byte held
        self._hits: dict[str, list[_Hit]] = {
            kind: [] for kind in ("banner-version", "banner-configuration", "built", "version", "configuration")
        }
        self._tries: Counter[str] = Counter()
        self._named: dict[str, _Hit] = {}  # licences and library versions: the first of each
        self._compilers: dict[str, list[_Hit]] = {"banner": [], "configuration": []}  # by what they stand near

    def feed(self, start: int, data: bytes) -> None:
        """Take the bytes from an offset on, in order; where they leave some out, no text goes on."""
        if start != self._start + self._size:
            self._scan(0)
            self._parts, self._size = [], 0
            self._start, self._margin = start, max(0, self._counted - start)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= self._margin + BLOCK + AHEAD:
            self._scan(AHEAD)

    def finish(self) -> FFmpegIdentity | None:
        self._scan(0)
        return self._judge()

    def _scan(self, ahead: int) -> None:
        """Note every hit that begins in what is held, but for the last `ahead` bytes."""
        block = b"".join(self._parts)
        end = len(block) - ahead
        self._scan_block(block, self._margin, end)
        self._margin = min(BEFORE, end)
        self._parts = [block[end - self._margin :]]
        self._size = self._margin + ahead
        self._start += end - self._margin

    def _scan_block(self, block: bytes, low: int, high: int) -> None:
        """Note every hit that begins in block[low:high]."""
        if low >= high:
            return
        for banner in _BANNER.finditer(block, low, high + NEAR):
            at = banner.start()
            if at >= high:
                break
            if banner.lastgroup == "version":
                self._note("banner-version", at, banner["version"])
                continue
            text = end = banner.end(banner.lastgroup or 0)
            kind = "built"
            if banner.lastgroup == "configuration":
                kind = "banner-configuration"
                end = block.find(b"\n\0", text, text + LONGEST) if self._may_try(kind) else -1
            if end >= 0 and self._note(kind, at, block[text:end]):
                self._look_for_compiler("banner", block, at, end + 2)
        for at in _find(block, b"FFmpeg version ", low, high):
            if match := _VERSION.match(block, at):
                self._note("version", at, match[1])
        for at in _find(block, b"\0--", max(0, low - 1), high - 1):
            match = _CONFIGURATION.match(block, at + 1)
            if match and _is_configure_line(match[0]) and self._note("configuration", at + 1, match[0]):
                self._look_for_compiler("configuration", block, at + 1, match.end() + 1)
        # A licence text is found by its middle, which may stand in the next block.
        for at in _find(block, b" license: ", low, high + 32):
            begin = block.rfind(b"lib", max(0, at - 16), at)
            if low <= begin < high and (match := _LICENSE.match(block, begin)):
                self._note_named("license:" + match[1].decode(), begin, match[2])
        for at in _find(block, b"Lav", low, high):
            if match := _IDENT.match(block, at):
                self._note_named("library:" + _IDENT_NAMES[match["name"]], at, match["version"])
                # libsw* and libpostproc name themselves where all libraries are listed: in ffprobe.
                if match["name"] == b"fi" and self._may_try("library"):
                    for more in _IDENT_MORE.finditer(block, match.end(), match.end() + NEAR):
                        self._note_named("library:" + _IDENT_NAMES[more["name"]], more.start(), more["version"])

    def _may_try(self, kind: str) -> bool:
        self._tries[kind] += 1
        return self._tries[kind] <= TRIES

    def _note(self, kind: str, at: int, text: bytes) -> bool:
        """Keep a candidate; false where there are too many of its kind."""
        hits = self._hits[kind]
        if len(hits) >= KEEP:
            return False
        hits.append((self._start + at, text))
        return True

    def _note_named(self, name: str, at: int, text: bytes) -> None:
        self._named.setdefault(name, (self._start + at, text))

    def _look_for_compiler(self, near: str, block: bytes, begin: int, end: int) -> None:
        """The compiler's name stands beside the banner or the configure line, on either side."""
        before = list(_COMPILER.finditer(block, max(0, begin - NEAR), begin))[-1:]
        for match in before or [*_COMPILER.finditer(block, max(0, end - 1), end + NEAR)][:1]:
            self._compilers[near].append((self._start + match.start(), match[0]))

    def _judge(self) -> FFmpegIdentity | None:
        hits = self._hits
        offsets: dict[str, int] = {}
        licenses: dict[str, str] = {}
        libraries: dict[str, str] = {}
        for name, (at, text) in sorted(self._named.items(), key=lambda item: item[1][0]):
            what, _, library = name.partition(":")
            (licenses if what == "license" else libraries)[library] = text.decode()
            offsets[name] = at
        tool = bool(hits["built"] and hits["banner-configuration"])
        version, configuration = self._version(tool), self._configuration()
        if tool:
            kind: Kind = "tool"
        elif licenses and (version or configuration):
            kind = "library" if len(licenses) == 1 else "embedded"
        else:
            return None
        found = {"version": version, "configuration": configuration}
        compilers = self._compilers["banner"] + self._compilers["configuration"]
        found["compiler"] = compilers[0] if tool and compilers else None
        offsets |= {name: hit[0] for name, hit in found.items() if hit}
        texts = {name: hit[1].decode("utf-8", "backslashreplace") if hit else None for name, hit in found.items()}
        return FFmpegIdentity(
            kind=kind,
            version=texts["version"],
            configuration=texts["configuration"],
            licenses=licenses,
            libraries=libraries,
            compiler=texts["compiler"],
            offsets=dict(sorted(offsets.items(), key=lambda item: item[1])),
        )

    def _version(self, tool: bool) -> _Hit | None:
        """A library's text before the banner's: `%s version` is no phrase of FFmpeg's own."""
        for at, text in self._hits["version"]:
            if b"%" not in text:
                return at, text
        if not tool:
            return None
        plain = [hit for hit in self._hits["banner-version"] if _PLAIN_VERSION.match(hit[1])]
        built = {at for at, _ in self._hits["built"]}
        for at, text in plain:  # short texts stand in the order of the source
            if at + len(b"%s version \0") + len(text) in built:
                return at, text
        return plain[0] if plain else None

    def _configuration(self) -> _Hit | None:
        """The banner's, else the line that stands right before a licence text, else the one with most options."""
        for at, text in self._hits["banner-configuration"]:
            if text == b"" or text.startswith(b"--"):
                return at + len(b"%sconfiguration: "), text
        begins = [at for name, (at, _) in self._named.items() if name.startswith("license:")]
        for at, text in self._hits["configuration"]:
            if any(0 < begin - at - len(text) <= 64 for begin in begins):
                return at, text
        return max(self._hits["configuration"], key=lambda hit: len(_OPTION.findall(hit[1])), default=None)


def read_identity(file: Path | BinaryIO) -> FFmpegIdentity | None:
    """The identity of a file, or of what is left in an open one; None where it is no FFmpeg.

    Raises OSError where it can't be read.
    """
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return read_identity(opened)
    scanner = IdentityScanner()
    while chunk := file.read(BLOCK):
        scanner.feed(chunk)
    return scanner.finish()


def combine(identities: Sequence[FFmpegIdentity]) -> FFmpegIdentity:
    """One identity for the files of one build: a shared build spreads its texts over tools and libraries.

    The first file that knows a thing decides. `kind` is the first's; `offsets` are empty, since they belong
    to files. Raises ValueError for an empty sequence.
    """
    if not identities:
        raise ValueError("no identity to combine")
    licenses: dict[str, str] = {}
    libraries: dict[str, str] = {}
    for identity in identities:
        licenses = {**identity.licenses, **licenses}
        libraries = {**identity.libraries, **libraries}
    return FFmpegIdentity(
        kind=identities[0].kind,
        version=next((one.version for one in identities if one.version is not None), None),
        configuration=next((one.configuration for one in identities if one.configuration is not None), None),
        licenses=licenses,
        libraries=libraries,
        compiler=next((one.compiler for one in identities if one.compiler is not None), None),
        offsets={},
        hardware=[path for path in PATHS if any(path in one.hardware for one in identities)],
        nvidia_driver=next((one.nvidia_driver for one in identities if one.nvidia_driver is not None), None),
    )


def _is_configure_line(text: bytes) -> bool:
    return bool(_OPTION.search(text)) and not _LIBVPX.search(text)


def _find(block: bytes, text: bytes, low: int, high: int) -> list[int]:
    """Where `text` begins in block[low:high]; several times faster than one regular expression for all."""
    found = []
    at = block.find(text, low, high + len(text) - 1)
    while at >= 0:
        found.append(at)
        at = block.find(text, at + 1, high + len(text) - 1)
    return found
