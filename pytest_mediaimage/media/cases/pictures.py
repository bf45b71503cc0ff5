"""Sources that aren't upright, even, progressive pictures at a constant rate."""

from __future__ import annotations

from ..case import Case, Needs
from ..pictures.views import Crop, Field
from ..rules.fields import Fields
from ..rules.geometry import Deinterlaced, Upright
from ..rules.pace import Pace
from ..rules.pictures import Pictures
from ..rules.streams import Streams
from .software import X264, quality, video_recipe

_MEASURED = "own: 3 dB below what FFmpeg 5.1.9, 8.1 and 9.0 give"
_X264_NEEDS = Needs(muxers=("mp4",), encoders=("libx264",), decoders=("h264",), filters=("null", "format"))

CASES = (
    Case(
        name="vfr",
        sample="vfr-256x144",
        recipe=video_recipe(("-fps_mode", "passthrough", *X264)),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", fps=0.0),
            Upright(),
            Pictures(quality(_MEASURED, y=(39.0, 37.0), u=(43.5, 39.0), v=(46.5, 44.0))),
            Pace(0.001),
        ),
        needs=_X264_NEEDS,
    ),
    Case(
        name="odd-size",
        sample="odd-321x181",
        recipe=video_recipe(X264, filters="crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0"),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", width=320, height=180, max_gop=2.0),
            Upright(),
            Pictures(quality(_MEASURED, y=(39.0, 37.0), u=(43.5, 41.0), v=(46.0, 44.0)), view=Crop(320, 180)),
        ),
        needs=Needs(muxers=("mp4",), encoders=("libx264",), decoders=("vp9",), filters=("crop", "format")),
        # x264's pictures of this width may change with AVX-512, see `clip`.
        golden=False,
    ),
    Case(
        name="rotated",
        sample="rotated-256x384",
        recipe=video_recipe(X264),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", width=256, height=384, max_gop=2.0),
            Upright(),
            Pictures(quality(_MEASURED, y=(40.5, 38.5), u=(46.5, 42.0), v=(48.0, 46.0))),
        ),
        needs=Needs(muxers=("mp4",), encoders=("libx264",), decoders=("h264",), filters=("transpose", "format")),
    ),
    Case(
        name="interlaced",
        sample="interlaced-384x216",
        recipe=video_recipe(X264, filters="bwdif=mode=send_frame:parity=auto:deint=all"),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0),
            Upright(),
            Deinterlaced(0.25, "own: bwdif leaves a tenth, no filter all"),
            Pictures(quality(_MEASURED, y=(38.0, 37.0), u=(49.0, 46.5), v=(46.0, 42.5)), view=Field(0)),
        ),
        needs=Needs(muxers=("mp4",), encoders=("libx264",), decoders=("h264",), filters=("bwdif", "format")),
        # bwdif's lines differ between builds.
        golden=False,
    ),
    Case(
        name="interlaced-kept",
        sample="interlaced-384x216",
        recipe=video_recipe(X264, flags="+ildct+ilme"),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0),
            Upright(),
            Fields(quality(_MEASURED, y=(37.5, 36.0), u=(45.5, 43.0), v=(45.5, 43.0))),
            Pictures(quality(_MEASURED, y=(37.5, 36.0), u=(45.5, 43.0), v=(45.5, 43.0))),
        ),
        needs=_X264_NEEDS,
    ),
)
