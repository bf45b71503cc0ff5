"""External libraries which decide the licence of an FFmpeg that is built with them.

From the licence lists of `configure` in FFmpeg 2.8, 4.1, 5.1.9, 7.1.5, 8.1.2 and 9.0.2, and FFmpeg's `LICENSE.md`.
Two rows go beyond them: libcdio, since FFmpeg links libcdio-paranoia, which is GPL-3.0-or-later; and
liblensfun, since `libavfilter/vf_lensfun.c` is itself GPL-3.0-or-later. Libraries which demand nothing
(libvpx, dav1d, libopus ...) aren't listed.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Demand(enum.StrEnum):
    """What configure asks for before it enables a library."""

    GPL = "gpl"  # EXTERNAL_LIBRARY_GPL_LIST: --enable-gpl
    VERSION3 = "version3"  # EXTERNAL_LIBRARY_VERSION3_LIST: --enable-version3
    GPLV3 = "gplv3"  # EXTERNAL_LIBRARY_GPLV3_LIST: both
    NOT_GPL = "not-gpl"  # EXTERNAL_LIBRARY_NONFREE_LIST: --enable-nonfree, but only beside --enable-gpl
    NONFREE = "nonfree"  # HWACCEL_LIBRARY_NONFREE_LIST: --enable-nonfree, always


class Library(NamedTuple):
    """One row. `option` is the X of ``--enable-X`` with underscores, `license` an SPDX expression.

    `alone` is the least licence of an FFmpeg with this library in it where that is more than the demand says.
    `last` is the last FFmpeg release (major, minor) whose configure made the demand; None: still does.
    """

    option: str
    license: str
    demand: Demand
    alone: str | None = None
    last: tuple[int, int] | None = None
    sold: bool = False  # the owners also sell a licence other than the GPL


_GPL2, _GPL3, _LGPL3 = "GPL-2.0-or-later", "GPL-3.0-or-later", "LGPL-3.0-or-later"
_CUDA = "LicenseRef-NVIDIA-CUDA-EULA"

LIBRARIES = {
    row.option: row
    for row in (
        Library("avisynth", _GPL2, Demand.GPL),
        Library("frei0r", _GPL2, Demand.GPL),
        Library("libcdio", _GPL3, Demand.GPL, alone=_GPL3),
        Library("libdavs2", _GPL2, Demand.GPL, sold=True),
        Library("libdvdnav", _GPL2, Demand.GPL),
        Library("libdvdread", _GPL2, Demand.GPL),
        Library("librubberband", _GPL2, Demand.GPL, sold=True),
        Library("libutvideo", _GPL2, Demand.GPL, last=(3, 1)),
        Library("libvidstab", _GPL2, Demand.GPL),
        Library("libx264", _GPL2, Demand.GPL, sold=True),
        Library("libx265", _GPL2, Demand.GPL, sold=True),
        Library("libxavs", _GPL2, Demand.GPL),
        Library("libxavs2", _GPL2, Demand.GPL, sold=True),
        Library("libxvid", _GPL2, Demand.GPL),
        Library("postproc", _GPL2, Demand.GPL, last=(7, 1)),
        Library("gmp", "LGPL-3.0-or-later OR GPL-2.0-or-later", Demand.VERSION3),
        Library("libaribb24", _LGPL3, Demand.VERSION3),
        Library("liblensfun", _LGPL3, Demand.VERSION3, alone=_GPL3),
        Library("libopencore_amrnb", "Apache-2.0", Demand.VERSION3),
        Library("libopencore_amrwb", "Apache-2.0", Demand.VERSION3),
        Library("libvmaf", "Apache-2.0", Demand.VERSION3, last=(4, 3)),
        Library("libvo_aacenc", "Apache-2.0", Demand.VERSION3, last=(2, 8)),
        Library("libvo_amrwbenc", "Apache-2.0", Demand.VERSION3),
        Library("mbedtls", "Apache-2.0 OR GPL-2.0-or-later", Demand.VERSION3),
        Library("rkmpp", "Apache-2.0", Demand.VERSION3),
        Library("libsmbclient", _GPL3, Demand.GPLV3),
        Library("decklink", "LicenseRef-Blackmagic-DeckLink-SDK", Demand.NOT_GPL),
        Library("libfdk_aac", "FDK-AAC", Demand.NOT_GPL),
        Library("libmpeghdec", "LicenseRef-Fraunhofer-MPEGH", Demand.NOT_GPL),
        Library("libndi_newtek", "LicenseRef-NDI-SDK", Demand.NOT_GPL, last=(4, 1)),
        Library("libtls", "ISC", Demand.NOT_GPL, last=(8, 0)),
        Library("cuda_nvcc", _CUDA, Demand.NONFREE),
        Library("cuda_sdk", _CUDA, Demand.NONFREE),
        Library("libnpp", _CUDA, Demand.NONFREE),
        Library("libaacplus", "LicenseRef-3GPP", Demand.NONFREE, last=(2, 8)),
        Library("libfaac", "LGPL-2.1-or-later AND LicenseRef-ISO-MPEG", Demand.NONFREE, last=(3, 1)),
    )
}
"""By configure option. OpenSSL isn't here: what it demands depends on its version; see `license`."""
