"""`av1-svt` and `vp9`: the royalty-free codecs, by constant quality."""

from __future__ import annotations

from ..case import Case, Needs, Threshold
from ..rules.geometry import Upright
from ..rules.pictures import Pictures
from ..rules.sizes import VideoBytes
from ..rules.streams import Streams
from .software import quality, video_recipe

_SAMPLE = "bars-384x216"
_SVT = (
    *("-c:v", "libsvtav1", "-preset", "8", "-crf", "35", "-g", "50", "-pix_fmt", "yuv420p"),
    # Without scene detection, so that key frames lie where -g puts them; grain would be noise that no source has.
    *("-svtav1-params", "lp=1:film-grain=0:scd=0"),
)
_VP9 = (
    *("-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "4", "-crf", "32", "-b:v", "0", "-g", "50"),
    *("-row-mt", "0", "-threads:v", "1", "-pix_fmt", "yuv420p"),
)

# No golden values: neither encoder writes its version into the stream, so a new one can't be told from a fault.
CASES = (
    Case(
        name="av1-svt",
        sample=_SAMPLE,
        recipe=video_recipe(_SVT),
        rules=(
            Streams(format="mp4", video_codec="av1", pix_fmt="yuv420p", max_gop=2.0),
            Upright(),
            Pictures(
                quality(
                    "own: 3 dB below the least of SVT-AV1 in FFmpeg 5.1.9, 8.1 and 9.0",
                    y=(38.0, 34.5),
                    u=(41.0, 34.0),
                    v=(43.0, 30.0),
                    block=Threshold(15.0, "own: SVT-AV1 gives 19 dB and more in any 8x8 pixels, noise 8 to 12"),
                )
            ),
            VideoBytes(
                168_000, "own: 152 kB with FFmpeg 5.1.9, 181 to 185 kB with 8.1 and 9.0; CRF 15 %", tolerance=0.25
            ),
        ),
        needs=Needs(muxers=("mp4",), encoders=("libsvtav1",), decoders=("h264",), filters=("null", "format")),
        golden=False,
    ),
    Case(
        name="vp9",
        sample=_SAMPLE,
        recipe=video_recipe(_VP9, form="webm"),
        rules=(
            Streams(format="webm", video_codec="vp9", pix_fmt="yuv420p", max_gop=2.0),
            Upright(),
            Pictures(
                quality(
                    "own: 3 dB below the least of libvpx in FFmpeg 5.1.9, 8.1 and 9.0",
                    y=(39.0, 36.5),
                    u=(42.5, 39.5),
                    v=(43.0, 40.5),
                    bias=0.55,
                    block=Threshold(17.0, "own: libvpx gives 21.6 dB and more in any 8x8 pixels, noise 8 to 12"),
                )
            ),
            VideoBytes(204_000, "own: the same within 1 % with FFmpeg 5.1.9, 8.1 and 9.0; CRF may vary by 15 %"),
        ),
        needs=Needs(muxers=("webm",), encoders=("libvpx-vp9",), decoders=("h264",), filters=("null", "format")),
        outputs=("output.webm",),
        golden=False,
    ),
)
