"""An ffmpeg that takes a packaged case's command for a device, and plays the device's part with a software encoder."""

from __future__ import annotations

from hardware_images import UNSIGNED, needs

# What ffmpeg prints where the device works, and the software encoder that plays the device's part.
PATHS = {
    "nvenc": "Loaded Nvenc version 12.2",
    "vaapi": "Using VAAPI entrypoint VAEntrypointEncSlice (6).",
    "qsv": "Initialize MFX session: implementation version is 2.9",
}
ENCODERS = {
    "h264": "-c:v libx264 -preset superfast -qp 25 -pix_fmt yuv420p",
    "hevc": "-c:v libx265 -preset superfast -pix_fmt yuv420p10le -x265-params qp=24:info=0:pools=none:log-level=none",
    "av1": "-c:v libsvtav1 -preset 8 -qp 30 -pix_fmt yuv420p",
}

# The case's command as it is, but for the device's words: those become a software encoder's.
POSER = r"""
for word; do last=$word; done
case "$*" in
  *-encoders*) /opt/ffmpeg -hide_banner -encoders; echo ' V....D CODEC_NAME           posed'; exit;;
  *CODEC_NAME*) ;;
  *) exec /opt/ffmpeg "$@";;
esac
BEFORE
set -- "$@" --end--
while [ "$1" != --end-- ]; do
  case "$1" in
    -c:v) set -- "$@" ENCODER FORGED;  shift 2;;
    -init_hw_device|-filter_hw_device|-preset|-rc|-qp|-rc_mode|-global_quality|-forced_idr|-vf) shift 2;;
    -pix_fmt|-profile:v) shift 2;;
    -fflags|-flags:v) set -- "$@" "$1" "$2"; shift 2;;
    *) set -- "$@" "$1"; shift;;
  esac
done
shift
echo '[posed @ 0x1] WORDS' >&2
exec /opt/ffmpeg "$@"
"""


def posing(path: str, codec: str, card: str, *, more: str = "", **changes: str) -> str:
    """An ffmpeg that encodes on `card` only. Keywords change a part of the script: `words`, `encoder`, `signed`."""
    name = changes.get("name", f"{codec}_{path}")
    signed = changes.get("signed", f"Lavc {name}")
    unsigned = UNSIGNED if codec == "h264" else ""
    forged = f"{unsigned} -metadata:s:v:0 encoder='{signed}' {more}"
    script = POSER.replace("CODEC_NAME", name).replace("FORGED", forged)
    script = script.replace("ENCODER", changes.get("encoder", ENCODERS[codec]))
    script = script.replace("WORDS", changes.get("words", PATHS.get(path, "")))
    return script.replace("BEFORE", changes.get("before", needs(card, ":")))
