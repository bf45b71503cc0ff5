"""The table: what is known of each library. Facts about files, with their sources; read only when an FFmpeg is.

Demands are from the licence lists of `configure` in FFmpeg 2.8, 4.1, 5.1.9, 7.1.5, 8.1.2 and 9.0.2, and FFmpeg's
`LICENSE.md`; licences are those that the libraries' projects name, not each looked up in its source. Two rows go beyond
configure: libcdio, since FFmpeg links libcdio-paranoia, which is GPL-3.0-or-later; and liblensfun, since
`libavfilter/vf_lensfun.c` is GPL-3.0-or-later.

A text belongs here only if a build without the library lacks it. These don't, though they look it: ``x264 - core %d``
(the native H.264 decoder), ``XviD%d`` (the native MPEG-4 decoder), ``=LAME`` (the MP3 demuxer), ``libdvdnav: `` and
``mbedtls_ssl_read`` (wrappers), ``Fraunhofer FDK AAC`` (the AAC decoder's options). `proofs` says which builds show it.
"""

from __future__ import annotations

from ..model import Row
from . import audio, devices, former, hardware, network, picture, processing, video

ROWS: dict[str, Row] = {
    row.id: row
    for module in (video, audio, picture, processing, network, hardware, devices, former)
    for row in module.ROWS
}
