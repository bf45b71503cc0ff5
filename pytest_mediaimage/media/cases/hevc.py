"""`hevc-hdr10`: ten bits, and all that makes a stream HDR10, kept. `hdr-to-sdr`: and brought to ordinary screens."""

from __future__ import annotations

from ..case import Case, Needs
from ..clips.hdr import LIGHT, MASTERING
from ..pictures.tonemap import ToneMapped
from ..rules.geometry import Upright
from ..rules.hdr import Hdr10, Sdr
from ..rules.pictures import Pictures
from ..rules.sizes import VideoBytes
from ..rules.streams import Streams
from .software import X264, quality, video_recipe

_SAMPLE = "hdr10-384x216"
_MEASURED = "own: some 3 dB below what x265 builds 199 and 217 give"
_BT709 = ("bt709", "bt709", "bt709", "tv")

# x265's own words for what the sample carries: FFmpeg passes a source's mastering display on since 7.1 only.
_X265 = (
    "pools=none:frame-threads=1:wpp=0:open-gop=0:keyint=50:min-keyint=25:hdr10=1:repeat-headers=1"
    f":master-display={MASTERING}:max-cll={LIGHT}"
)
_PQ = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-color_range", "tv")
_HDR10 = (
    *("-c:v", "libx265", "-preset", "medium", "-crf", "20", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"),
    *(*_PQ, "-x265-params", _X265),
)

_TONEMAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0:peak=10,"
    "zscale=t=bt709:m=bt709:r=tv:d=none,format=yuv420p,sidedata=mode=delete"
)
_SDR = (
    *X264,
    *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
)

CASES = (
    Case(
        name="hevc-hdr10",
        sample=_SAMPLE,
        recipe=video_recipe(_HDR10),
        rules=(
            Streams(format="mp4", video_codec="hevc", pix_fmt="yuv420p10le", max_gop=2.0),
            Upright(),
            Pictures(quality(_MEASURED, y=(44.5, 43.0), u=(50.5, 48.0), v=(50.0, 47.5))),
            Hdr10(),
            VideoBytes(52_000, "own: x265 builds 199 and 217 are within 1 %; CRF may vary by 15 %"),
        ),
        needs=Needs(
            muxers=("mp4",),
            encoders=("libx265",),
            decoders=("hevc",),
            filters=("null", "format"),
            pix_fmts=(("libx265", "yuv420p10le"),),
        ),
    ),
    Case(
        name="hdr-to-sdr",
        sample=_SAMPLE,
        recipe=video_recipe(_SDR, filters=_TONEMAP),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0, color=_BT709),
            Upright(),
            Pictures(
                quality(
                    "own: 3 dB below what FFmpeg 5.1.9 and 9.0 give, all of it lost in x264: lossless they give 77 dB",
                    y=(39.5, 38.5),
                    u=(42.5, 41.0),
                    v=(41.0, 39.5),
                ),
                view=ToneMapped(),
                others=(ToneMapped(mirrored=True),),
            ),
            Sdr(),
        ),
        needs=Needs(
            muxers=("mp4",),
            encoders=("libx264",),
            decoders=("hevc",),
            filters=("zscale", "tonemap", "format", "sidedata"),
        ),
        golden=False,
    ),
)
