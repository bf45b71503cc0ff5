"""`hls-fmp4` and `dash`: two renditions and a sound track, cut in CMAF segments of two seconds."""

from __future__ import annotations

from dataclasses import replace

from ..case import Case, Needs, Threshold
from ..recipe import Recipe
from ..rules.dash import Dash
from ..rules.hls import Hls
from ..rules.segments import Limits
from .ladder import X264
from .software import BLOCK, SWSCALE

_SECONDS = 2


def _encode() -> tuple[str, ...]:
    return (
        *("{ffmpeg}", "-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-y"),
        *("-threads", "1", "-bitexact", "-i", "{input}"),
        *("-filter_complex", f"[0:v:0]split=2[high][full];[full]scale=256:144:flags={SWSCALE}[low]"),
        *("-map", "[high]", "-map", "[low]", "-map", "0:a:0", "-map_metadata", "-1", *X264),
        *("-b:v:0", "600k", "-maxrate:v:0", "660k", "-bufsize:v:0", "600k"),
        *("-b:v:1", "360k", "-maxrate:v:1", "396k", "-bufsize:v:1", "360k"),
        *("-c:a", "aac", "-b:a", "128k", "-flags:a", "+bitexact", "-fflags", "+bitexact"),
    )


_HLS = (
    *("-f", "hls", "-hls_time", str(_SECONDS), "-hls_playlist_type", "vod", "-hls_list_size", "0"),
    *("-hls_segment_type", "fmp4", "-hls_flags", "independent_segments", "-master_pl_name", "master.m3u8"),
    *("-hls_fmp4_init_filename", "init-%v.mp4", "-hls_segment_filename", "{folder}/segment-%v-%d.m4s"),
    *("-var_stream_map", "v:0,agroup:sound v:1,agroup:sound a:0,agroup:sound,default:yes", "{folder}/track-%v.m3u8"),
)

_DASH = (
    *("-f", "dash", "-seg_duration", str(_SECONDS), "-use_template", "1", "-use_timeline", "1"),
    *("-adaptation_sets", "id=0,streams=v id=1,streams=a", "{output}"),
)

_MEASURED = "own: some 3 dB below FFmpeg 5.1, 8.1 and 9.0"
_FITS = Threshold(0.97, "vaapi-fits, test/.../vpp.py: scaled pictures have an SSIM of 0.97 and more")


def _video(y: float, u: float, v: float) -> dict[str, Threshold]:
    limits = {"psnr_y_mean": y, "psnr_u_mean": u, "psnr_v_mean": v}
    found = {name: Threshold(limit, _MEASURED) for name, limit in limits.items()}
    found |= {f"ssim_{plane}_mean": _FITS for plane in "yuv"}
    return found | {"bias": Threshold(0.5, "own: scaling and x264 stay within 0.1"), "block_y_min": BLOCK}


_LIMITS = Limits(
    duration=_SECONDS,
    video={(384, 216): _video(45.0, 51.0, 50.5), (256, 144): _video(40.0, 46.0, 46.5)},
    audio={
        "audio_correlation": Threshold(0.98, "own: AAC at 128 kb/s gives 0.997 and more"),
        "audio_stretch": Threshold(0.95, "own: AAC at 128 kb/s gives 0.99 and more in any 240 ms"),
        "audio_drift": Threshold(0.001, "own: codecs move nothing; 1 ms in 5 s is a second in 80 minutes"),
        "audio_offset": Threshold(0.005, "own: 0.4 ms can be measured; EBU R37 allows -40/+60 ms in all"),
        "audio_level": Threshold(0.3, "own: AAC changes it by up to 0.02 in this clip"),
    },
    alignment=Threshold(
        0.11, "own: FFmpeg's dash muxer cuts sound when a key frame comes, two frames before it is shown; and a packet"
    ),
)

_NEEDS = Needs(
    encoders=("libx264", "aac"),
    decoders=("h264", "aac"),
    filters=("split", "scale", "format", "null", "anull", "aformat"),
)

CASES = (
    Case(
        name="hls-fmp4",
        sample="bars-384x216",
        recipe=Recipe(_encode() + _HLS),
        outputs=("master.m3u8",),
        rules=(Hls(_LIMITS),),
        needs=replace(_NEEDS, muxers=("hls", "mp4")),
        golden=False,
    ),
    Case(
        name="dash",
        sample="bars-384x216",
        recipe=Recipe(_encode() + _DASH),
        outputs=("manifest.mpd",),
        rules=(Dash(_LIMITS),),
        needs=replace(_NEEDS, muxers=("dash", "mp4")),
        golden=False,
    ),
)
