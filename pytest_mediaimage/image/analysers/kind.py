"""What kind of file it is, by its first bytes: a fixed vocabulary, for the rules that ask what doesn't belong."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..entries import Entry
from .named import Named

NAME = "kind"

# (kind, first bytes), with where the format says so. Audio and video are the media analyser's.
_SIGNATURES = (
    ("elf", b"\x7fELF"),  # gABI, chapter 4
    ("pe", b"MZ"),  # Microsoft, "PE Format"; and see _is_pe
    ("mach-o", b"\xcf\xfa\xed\xfe"),  # <mach-o/loader.h>: MH_MAGIC_64 and MH_MAGIC, either order
    ("mach-o", b"\xfe\xed\xfa\xcf"),
    ("mach-o", b"\xce\xfa\xed\xfe"),
    ("mach-o", b"\xfe\xed\xfa\xce"),
    ("java-class", b"\xca\xfe\xba\xbe"),  # JVM specification, 4.1; and see _class_or_fat
    ("wasm", b"\0asm"),  # WebAssembly core specification, 5.5
    ("script", b"#!"),  # Linux, fs/binfmt_script.c; and see _script
    ("ar", b"!<arch>\n"),  # ar(5): static libraries; and see _deb_or_ar
    ("ar", b"!<thin>\n"),  # GNU binutils, ar(1)
    ("rpm", b"\xed\xab\xee\xdb"),  # RPM v4 package format, "Lead"
    ("zip", b"PK\x03\x04"),  # PKWARE APPNOTE, 4.3.7; and see _zip
    ("zip", b"PK\x05\x06"),  # an empty one: APPNOTE, 4.3.16
    ("gzip", b"\x1f\x8b\x08"),  # RFC 1952
    ("zstd", b"\x28\xb5\x2f\xfd"),  # RFC 8878
    ("xz", b"\xfd7zXZ\0"),  # The .xz file format, 2.1.1.1
    ("bzip2", b"BZh"),  # bzip2's decompress.c; and see _is_bzip2
    ("7z", b"7z\xbc\xaf\x27\x1c"),  # 7-Zip, DOC/7zFormat.txt
    ("sqlite", b"SQLite format 3\0"),  # sqlite.org/fileformat.html, 1.3
    ("png", b"\x89PNG\r\n\x1a\n"),  # PNG specification, 5.2
    ("jpeg", b"\xff\xd8\xff"),  # ITU-T T.81, B.1.1
    ("gif", b"GIF87a"),  # GIF89a specification, 17
    ("gif", b"GIF89a"),
    ("webp", b"RIFF"),  # RFC 9649, 2; and see _is_webp
    ("font", b"\0\1\0\0"),  # OpenType specification, "OpenType font file"; and see _is_font
    ("font", b"OTTO"),
    ("font", b"ttcf\0"),
    ("font", b"wOFF\0\1\0\0"),  # WOFF 1.0 and 2.0, "WOFF header", with the flavours TrueType
    ("font", b"wOFFOTTO"),  # and CFF
    ("font", b"wOF2\0\1\0\0"),
    ("font", b"wOF2OTTO"),
    ("gguf", b"GGUF"),  # ggml, docs/gguf.md; and see _is_gguf
    ("ggml", b"lmgg"),  # ggml before GGUF, and whisper.cpp: GGML_FILE_MAGIC in ggml.h, little-endian; and see _is_ggml
    ("jimage", b"\xda\xda\xfe\xca"),  # OpenJDK, jimage/ImageHeader.java: lib/modules of a Java runtime
    ("ds-store", b"\0\0\0\1Bud1"),  # macOS' Finder; no public specification
    ("apple-double", b"\0\x05\x16\x07\0\x02\0\0"),  # RFC 1740, A: `._name` beside a file from macOS
    ("vim-swap", b"b0VIM "),  # Vim, memline.c, block 0
    ("hdf5", b"\x89HDF\r\n\x1a\n"),  # HDF5 file format specification, II.A
    ("numpy", b"\x93NUMPY"),  # numpy.lib.format
    ("tensorrt", b"ptrt"),  # a serialised engine; no public specification; and see _is_binary
    ("pytorch", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),  # torch/serialization.py, MAGIC_NUMBER pickled
    ("pickle", b"\x80\x04\x95"),  # CPython, Lib/pickletools.py: PROTO and FRAME
    ("pickle", b"\x80\x05\x95"),
    ("pem", b"-----BEGIN "),  # RFC 7468; and see _pem
    ("putty-key", b"PuTTY-User-Key-File-"),  # PuTTY manual, appendix C
    ("java-keystore", b"\xfe\xed\xfe\xed"),  # OpenJDK, sun/security/provider/JavaKeyStore.java
    ("pcap", b"\xd4\xc3\xb2\xa1"),  # draft-ietf-opsawg-pcap, either order, and with nanoseconds
    ("pcap", b"\xa1\xb2\xc3\xd4"),
    ("pcap", b"\x4d\x3c\xb2\xa1"),
    ("pcap", b"\xa1\xb2\x3c\x4d"),
    ("pcap", b"\x0a\x0d\x0d\x0a"),  # draft-ietf-opsawg-pcapng, 4.1; and see _is_pcapng
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # ISO/IEC 23008-12
_AVIF_BRANDS = (b"avif", b"avis")  # AV1 image file format, 6
_LONGEST_SCRIPT_LINE = 256  # Linux, BINPRM_BUF_SIZE
_PEM_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----")
_MOST_SAFETENSORS_HEADER = 100_000_000  # safetensors, src/tensor.rs, MAX_HEADER_SIZE

Refinement = Callable[[str, bytes], str | None]


class Kinds:
    """Tells the kind of every file that it knows; most files, such as texts, get no fact.

    The fact is one word, such as `elf`, `deb` or `png`. Two kinds have more to say, after a space: `script` its
    interpreter with what is handed to it, and `pem` its label: `script /usr/bin/env python3`, `pem PRIVATE KEY`.
    """

    name = NAME
    version = 2

    def watch(self, entry: Entry, head: bytes) -> Named | None:
        kind = file_kind(entry.path, head, entry.size)
        return Named(kind) if kind else None


def file_kind(path: str, head: bytes, length: int) -> str | None:
    """The kind of a file with this name, first bytes (512 are enough) and length in bytes; None where unknown."""
    for kind, magic in _BY_FIRST_BYTE.get(head[:1], ()):
        if head.startswith(magic):
            refine = _REFINED.get(magic)
            if found := refine(path, head) if refine else kind:
                return found
    mark = head[4:8]
    if mark == b"ftyp":
        return _picture(head)
    if mark == b"TFL3":  # TensorFlow, tensorflow/compiler/mlir/lite/schema/schema.fbs, file_identifier
        return "tflite"
    if head[257:262] == b"ustar":  # POSIX.1, pax, "ustar Interchange Format"
        return "tar"
    if head[2:4] == b"\r\n" and _is_bytecode(path, head):
        return "python-bytecode"
    if head[8:9] == b"{" and _is_safetensors(head, length):
        return "safetensors"
    if head[:1] == b"\x08" and path.endswith(".onnx"):  # onnx.proto: ModelProto.ir_version comes first
        return "onnx"
    return None


def _is_pe(path: str, head: bytes) -> str | None:
    at = int.from_bytes(head[60:64], "little")
    return "pe" if head[at : at + 4] == b"PE\0\0" else None


def _class_or_fat(path: str, head: bytes) -> str:
    """Both begin alike; versions of Java begin at 45, and no file holds code for that many processors."""
    return "java-class" if int.from_bytes(head[4:8], "big") & 0xFFFF >= 45 else "mach-o"


def _script(path: str, head: bytes) -> str | None:
    line = head[2:_LONGEST_SCRIPT_LINE].partition(b"\n")[0].strip(b" \t\r\0")
    return "script " + line.decode("utf-8", "surrogateescape") if line.startswith(b"/") else None


def _deb_or_ar(path: str, head: bytes) -> str:
    return "deb" if head[8:21] == b"debian-binary" else "ar"  # deb(5)


def _zip(path: str, head: bytes) -> str:
    """By the first member's name; wheels and archives for Java go by their own."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first.endswith(b"/data.pkl"):  # torch/serialization.py, _save
        return "pytorch"
    if path.endswith(".whl"):
        return "wheel"
    return "jar" if first.startswith(b"META-INF/") or path.endswith((".jar", ".war", ".ear")) else "zip"


def _is_bzip2(path: str, head: bytes) -> str | None:
    block = head[4:10]
    return "bzip2" if head[3:4].isdigit() and block in (b"1AY&SY", b"\x17rE8P\x90") else None


def _is_webp(path: str, head: bytes) -> str | None:
    return "webp" if head[8:12] == b"WEBP" else None


def _is_font(path: str, head: bytes) -> str | None:
    """A plausible number of tables, and a first one whose name is four printable characters."""
    name = head[12:16]
    plausible = 0 < int.from_bytes(head[4:6], "big") < 256 and len(name) == 4
    return "font" if plausible and all(0x20 <= byte < 0x7F for byte in name) else None


def _is_gguf(path: str, head: bytes) -> str | None:
    return "gguf" if b"\0\0" in head[4:8] else None  # a small version, in either order


def _is_ggml(path: str, head: bytes) -> str | None:
    return "ggml" if b"\0\0" in head[4:12] else None


def _is_binary(path: str, head: bytes) -> str | None:
    return "tensorrt" if b"\0" in head[4:32] else None


def _pem(path: str, head: bytes) -> str | None:
    match = _PEM_LABEL.match(head)
    return "pem " + match[1].decode() if match else None


def _is_pcapng(path: str, head: bytes) -> str | None:
    return "pcap" if head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a") else None


def _picture(head: bytes) -> str | None:
    brand = head[8:12]
    return "avif" if brand in _AVIF_BRANDS else "heif" if brand in _HEIF_BRANDS else None


def _is_bytecode(path: str, head: bytes) -> bool:
    """CPython, Lib/importlib/_bootstrap_external.py: a magic number and flags; then a code object (TYPE_CODE)."""
    return head[4:8] in (b"\0\0\0\0", b"\1\0\0\0", b"\3\0\0\0") and head[16:17] in (b"\xe3", b"\x63")


def _is_safetensors(head: bytes, length: int) -> bool:
    header = int.from_bytes(head[:8], "little")
    return 2 <= header <= min(_MOST_SAFETENSORS_HEADER, length - 8) and head[9:10] in (b'"', b"}", b" ")


_REFINED: dict[bytes, Refinement] = {
    b"MZ": _is_pe,
    b"\xca\xfe\xba\xbe": _class_or_fat,
    b"#!": _script,
    b"!<arch>\n": _deb_or_ar,
    b"PK\x03\x04": _zip,
    b"BZh": _is_bzip2,
    b"RIFF": _is_webp,
    b"\0\1\0\0": _is_font,
    b"OTTO": _is_font,
    b"GGUF": _is_gguf,
    b"lmgg": _is_ggml,
    b"ptrt": _is_binary,
    b"-----BEGIN ": _pem,
    b"\x0a\x0d\x0d\x0a": _is_pcapng,
}
_BY_FIRST_BYTE: dict[bytes, list[tuple[str, bytes]]] = {}
for _kind, _magic in _SIGNATURES:
    _BY_FIRST_BYTE.setdefault(_magic[:1], []).append((_kind, _magic))
