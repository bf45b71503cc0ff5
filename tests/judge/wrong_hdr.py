"""Encoders that get HDR wrong: its depth, what is said of it, and how it is brought to ordinary screens."""

from __future__ import annotations

from encoders import Trial, option, replaced, right, wrong

_PARAMS = ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"


@wrong("hevc-hdr10")
def eight_bits_in_ten(trial: Trial) -> str:
    trial.encode("-vf", "lutyuv=y=bitand(val\\,1020)")
    return "ten bits are written, but eight were used"


@wrong("hevc-hdr10")
def eight_bits(trial: Trial) -> str:
    trial.encode("-pix_fmt", "yuv420p")
    return "video pix_fmt is yuv420p, yuv420p10le was expected"


# Later builds pass on what the source has, whatever x265 is told.
@wrong("hevc-hdr10", build="system")
def hdr_metadata_lost(trial: Trial) -> tuple[str, str]:
    trial.encode("-x265-params", "pools=none:frame-threads=1:wpp=0:open-gop=0:keyint=50:min-keyint=25:hdr10=1")
    return "the mastering display's data is gone", "MaxCLL is gone, 1000 was expected"


@wrong("hevc-hdr10", build="system")
def hdr_metadata_of_another_display(trial: Trial) -> str:
    trial.encode(change=replaced((_PARAMS, _PARAMS.replace("L(10000000,50)", "L(40000000,50)"))))
    return "mastering display max_luminance is 4000.0, 1000.0 was expected"


@wrong("hevc-hdr10")
def light_level_one_off(trial: Trial) -> str:
    trial.encode(change=replaced(("max-cll=1000,400", "max-cll=1000,399")))
    return "MaxFALL is 399, 400 was expected"


@wrong("hdr-to-sdr", build="imageio")
def hdr_metadata_left(trial: Trial) -> str:
    """FFmpeg 5.1's libx264 writes none of it."""
    trial.encode(change=replaced((",sidedata=mode=delete", "")))
    return "the SDR output still carries the HDR source's mastering display"


@wrong("hevc-hdr10")
def transfer_tag_lost(trial: Trial) -> str:
    trial.encode("-vf", "setparams=color_trc=bt709", change=option("-color_trc", "bt709"))
    return "video color_transfer is bt709, smpte2084 was expected"


@right("hevc-hdr10")
def hdr10_half_a_step_lower(trial: Trial) -> None:
    trial.encode("-crf", "20.5")


@wrong("hdr-to-sdr")
def not_tone_mapped(trial: Trial) -> str:
    trial.encode("-vf", "format=yuv420p,sidedata=mode=delete")
    return "mean PSNR-Y is"


@wrong("hdr-to-sdr")
def tone_mapped_to_the_wrong_matrix(trial: Trial) -> str:
    tagged = ("format=yuv420p,side", "setparams=colorspace=bt709,format=yuv420p,side")
    trial.encode(change=replaced((":m=bt709", ":m=470bg"), tagged))
    return "its colours were converted from BT.709's matrix to BT.601's"


@wrong("hdr-to-sdr")
def another_tone_curve(trial: Trial) -> str:
    curve = trial.choose("reinhard", "mobius", "gamma", "linear")
    trial.encode(change=replaced(("tonemap=hable", f"tonemap={curve}")))
    return "mean PSNR-Y is"


@wrong("hdr-to-sdr")
def highlights_cut_off(trial: Trial) -> str:
    """All is converted but the light, as where the tone mapper is left out."""
    trial.encode(change=replaced(("tonemap=hable", f"tonemap={trial.choose('none', 'clip')}")))
    return "mean PSNR-Y is"


@wrong("hdr-to-sdr")
def highlights_made_pale(trial: Trial) -> str:
    """The filter's default."""
    trial.encode(change=replaced((":desat=0", "")))
    return "mean PSNR-V is"


@wrong("hdr-to-sdr")
def primaries_not_converted(trial: Trial) -> str:
    """Pale colours under BT.709's name: the most usual fault."""
    trial.encode(
        change=replaced(("zscale=p=bt709,", ""), ("format=yuv420p,side", "setparams=color_primaries=bt709,side"))
    )
    return "mean PSNR-V is"


@wrong("hdr-to-sdr")
def white_of_203_candelas(trial: Trial) -> str:
    """BT.2408's reference white, where 100 was asked for."""
    trial.encode(change=replaced(("npl=100", "npl=203")))
    return "mean PSNR-Y is"


@wrong("hdr-to-sdr")
def peak_a_tenth_lower(trial: Trial) -> str:
    trial.encode(change=replaced(("peak=10", "peak=9")))
    return "plane Y is shifted by +0."


@right("hdr-to-sdr")
def peak_a_twentieth_lower(trial: Trial) -> None:
    trial.encode(change=replaced(("peak=10", "peak=9.5")))


@wrong("hdr-to-sdr")
def white_a_twentieth_higher(trial: Trial) -> str:
    trial.encode(change=replaced(("npl=100", "npl=105")))
    return "plane Y is shifted by -0."


@right("hdr-to-sdr")
def white_a_fiftieth_higher(trial: Trial) -> None:
    trial.encode(change=replaced(("npl=100", "npl=102")))


def paler(trial: Trial, luma: str, chroma: str) -> None:
    curve = f"lutyuv=y={luma}:u={chroma}:v={chroma}"
    trial.encode(change=replaced(("format=yuv420p,side", f"format=yuv420p,{curve},side")))


@wrong("hdr-to-sdr")
def washed_out(trial: Trial) -> str:
    """Black is lifted by five steps of 255."""
    paler(trial, "21+(val-16)*0.95", "val")
    return "plane Y is shifted by +1."


@right("hdr-to-sdr")
def black_lifted_by_a_step(trial: Trial) -> None:
    paler(trial, "17+(val-16)*0.99", "val")


@wrong("hdr-to-sdr")
def a_tenth_of_the_colour_lost(trial: Trial) -> str:
    paler(trial, "val", "128+(val-128)*0.9")
    return "mean PSNR-V is"


@right("hdr-to-sdr")
def a_fiftieth_of_the_colour_lost(trial: Trial) -> None:
    paler(trial, "val", "128+(val-128)*0.98")
