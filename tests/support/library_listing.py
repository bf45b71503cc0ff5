"""What FFmpeg's shared libraries list by their own functions, as JSON: `python library_listing.py FILE...`."""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

Addresses = Iterator[int]


def iterate(library: ctypes.CDLL, name: str) -> Addresses:
    """The structures that a function like av_codec_iterate gives one after another."""
    function = getattr(library, name)
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    state = ctypes.c_void_p(0)
    while found := function(ctypes.byref(state)):
        yield found


def names(structures: Addresses, accept: Callable[[int], int] = bool) -> list[str]:
    """Each structure begins with a pointer to its name."""
    pointers = (ctypes.c_char_p.from_address(one).value for one in structures if accept(one))
    return sorted({(name or b"").decode() for name in pointers})


def accepts(library: ctypes.CDLL, name: str) -> Callable[[int], int]:
    function: Callable[[int], int] = getattr(library, name)
    function.argtypes = [ctypes.c_void_p]  # type: ignore[attr-defined]
    return function


def protocols(library: ctypes.CDLL) -> list[str]:
    function = library.avio_enum_protocols
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int]
    found = set()
    for output in (0, 1):
        state = ctypes.c_void_p(0)
        while name := function(ctypes.byref(state), output):
            found.add(name.decode())
    return sorted(found)


def main() -> None:
    libraries = {Path(file).name[:9]: ctypes.CDLL(file) for file in sys.argv[1:]}
    listing = {}
    if "libavdevi" in libraries:
        libraries["libavdevi"].avdevice_register_all()
    if library := libraries.get("libavcode"):
        for table, side in (("encoders", "av_codec_is_encoder"), ("decoders", "av_codec_is_decoder")):
            listing[table] = names(iterate(library, "av_codec_iterate"), accepts(library, side))
        listing["bitstream_filters"] = names(iterate(library, "av_bsf_iterate"))
    if library := libraries.get("libavform"):
        listing["muxers"] = names(iterate(library, "av_muxer_iterate"))
        listing["demuxers"] = names(iterate(library, "av_demuxer_iterate"))
        listing["protocols"] = protocols(library)
    if library := libraries.get("libavfilt"):
        listing["filters"] = names(iterate(library, "av_filter_iterate"))
    json.dump(listing, sys.stdout)


if __name__ == "__main__":
    main()
