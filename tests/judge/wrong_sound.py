"""Encoders that get the sound wrong."""

from __future__ import annotations

from encoders import Trial, option, right, wrong

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.clip import fresh_clip


@wrong("h264-aac")
def sound_lost(trial: Trial) -> str:
    trial.encode("-an")
    return "the output has no audio stream"


def _fresh(trial: Trial, sound: str = "", *options: str) -> None:
    """A clip of this run is encoded, with the sound of another file."""
    trial.source = trial.folder / "fresh.mp4"
    trial.nonce = fresh_clip(trial.source, frames=50)

    def change(argv: list[str]) -> list[str]:
        at = argv.index("-i") + 2
        words = ["1:a:0" if word == "0:a:0" else word for word in argv[at:]]
        return [*argv[:at], "-t", "2", "-i", sound, *words] if sound else argv

    trial.encode(*options, change=change)


@wrong("h264-aac")
def sound_of_the_last_run(trial: Trial) -> str:
    """The pictures are this input's; the sound lies there still."""
    last = trial.folder / "last.mp4"
    nonce = fresh_clip(last, frames=50)
    _fresh(trial, str(last))
    return f"the sound is another clip's: nonce {nonce} instead of {trial.nonce}"


@wrong("h264-aac")
def sound_of_the_bundled_clip(trial: Trial) -> str:
    _fresh(trial, str(samples.sample("bars-384x216")))
    return f"the sound is another clip's: nonce 0 instead of {trial.nonce}"


@wrong("h264-aac")
def sound_of_another_sample(trial: Trial) -> str:
    _fresh(trial, str(samples.sample("part-1-256x144")))
    return "audio isn't the source's from"


@right("h264-aac")
def sound_of_this_run_in_fewer_bits(trial: Trial) -> None:
    _fresh(trial, "", "-b:a", "112k")


@wrong("h264-aac")
def sides_swapped(trial: Trial) -> str:
    trial.encode("-af", "pan=stereo|c0=c1|c1=c0")
    return "the audio channels have changed sides"


@wrong("h264-aac")
def mixed_to_mono(trial: Trial) -> str:
    trial.encode("-af", "pan=stereo|c0=.5*c0+.5*c1|c1=.5*c0+.5*c1")
    return "audio channel 0 isn't the source's"


@wrong("h264-aac")
def one_channel_inverted(trial: Trial) -> str:
    channel = trial.pick(0, 1)
    trial.encode("-af", f"pan=stereo|c0={'-' if channel == 0 else ''}1*c0|c1={'-' if channel == 1 else ''}1*c1")
    return f"audio channel {channel} is inverted"


def _late(trial: Trial, milliseconds: int) -> None:
    trial.encode("-af", f"adelay={48 * milliseconds}S:all=1")


def _early(trial: Trial, milliseconds: int) -> None:
    trial.encode("-af", f"atrim=start_sample={48 * milliseconds},asetpts=N/SR/TB")


@wrong("h264-aac")
def sound_40_ms_late(trial: Trial) -> str:
    _late(trial, 40)
    return "sound is +40.0 ms off the picture"


@wrong("h264-aac")
def sound_80_ms_early(trial: Trial) -> str:
    _early(trial, 80)
    return "sound is -80.0 ms off the picture"


@wrong("h264-aac")
def sound_8_ms_off(trial: Trial) -> str:
    (_late if (way := trial.choose("late", "early")) == "late" else _early)(trial, 8)
    return f"sound is {'+' if way == 'late' else '-'}8.0 ms off the picture"


@right("h264-aac")
def sound_4_ms_off(trial: Trial) -> None:
    (_late if trial.choose("late", "early") == "late" else _early)(trial, 4)


@wrong("h264-aac")
def picture_late(trial: Trial) -> str:
    """Half a frame after its sound."""
    trial.encode("-vf", "settb=1/1000,setpts=PTS+0.02/TB", "-enc_time_base:v", "1:1000", "-fps_mode", "passthrough")
    return "sound is -20.0 ms off the picture"


@wrong("h264-aac")
def other_sample_rate(trial: Trial) -> str:
    trial.encode("-ar", "44100")
    return "audio sample_rate is 44100, 48000 was expected"


@wrong("h264-aac")
def mono(trial: Trial) -> str:
    trial.encode("-ac", "1")
    return "audio channels is 1, 2 was expected"


@wrong("h264-aac")
def softer_by_3_db(trial: Trial) -> str:
    trial.encode("-af", "volume=-3dB")
    return "sound is 3.0"


@wrong("h264-aac")
def softer_by_0_5_db(trial: Trial) -> str:
    trial.encode("-af", "volume=-0.5dB")
    return "softer than the source, at most 0.3 dB is allowed"


@wrong("h264-aac")
def louder_by_0_5_db(trial: Trial) -> str:
    trial.encode("-af", "volume=0.5dB")
    return "louder than the source, at most 0.3 dB is allowed"


@right("h264-aac")
def softer_by_0_1_db(trial: Trial) -> None:
    trial.encode("-af", "volume=-0.1dB")


@wrong("aac")
def one_track_softer_by_0_5_db(trial: Trial) -> str:
    trial.encode("-filter:a:1", "volume=-0.5dB")
    return "audio track 1: F"


@wrong("aac")
def one_track_8_ms_late(trial: Trial) -> str:
    trial.encode("-filter:a:1", "adelay=384S:all=1")
    return "audio track 1 sounds 8.0 ms late"


@right("aac")
def one_track_4_ms_late(trial: Trial) -> None:
    trial.encode("-filter:a:1", "adelay=192S:all=1")


@right("aac")
def one_track_softer_by_0_15_db(trial: Trial) -> None:
    trial.encode("-filter:a:1", "volume=-0.15dB")


@wrong("aac")
def silent_tail(trial: Trial) -> str:
    begin = trial.pick(4, 14) * 0.24
    trial.encode("-filter:a:1", f"volume=0:enable='gt(t,{begin})'")
    return f"audio track 1 is silent from {begin:.2f} to 3.84 s"


@wrong("aac")
def a_hole_in_the_sound(trial: Trial) -> str:
    begin = trial.pick(2, 12) * 0.24
    trial.encode("-filter:a:1", f"volume=0:enable='between(t,{begin},{begin + 0.24})'")
    return f" from {begin:.2f} to "


def _hole(trial: Trial, milliseconds: int) -> float:
    begin = trial.pick(100, 3500) / 1000
    trial.encode("-filter:a:1", f"volume=0:enable='between(t,{begin},{begin + milliseconds / 1000})'")
    return begin


@wrong("aac")
def a_hole_of_80_ms(trial: Trial) -> str:
    """The filter works on whole frames of 1024 samples."""
    _hole(trial, 80)
    return "audio track 1 isn't the source's from"


@right("aac")
def level_of_one_frame_0_5_db_lower(trial: Trial) -> None:
    begin = trial.pick(100, 3500) / 1000
    trial.encode("-filter:a:1", f"volume=-0.5dB:enable='between(t,{begin},{begin + 0.02})'")


@wrong("h264-aac")
def silent_last_80_ms(trial: Trial) -> str:
    trial.encode("-af", "volume=0:enable='gt(t,4.92)'")
    return "audio isn't the source's from 4.77 to 5.01 s"


@wrong("h264-aac")
def a_hole_of_60_ms(trial: Trial) -> str:
    begin = trial.pick(100, 4600) / 1000
    trial.encode("-af", f"volume=0:enable='between(t,{begin},{begin + 0.06})'")
    return "audio isn't the source's from"


@wrong("h264-aac")
def sound_drifts(trial: Trial) -> str:
    """A second in half an hour."""
    trial.encode("-af", "asetrate=48024,aresample=48000")
    return "audio drifts by -"


@wrong("h264-aac")
def sound_drifts_a_little(trial: Trial) -> str:
    """A second in three hours: less than the limit from stretch to stretch, but seen in the whole."""
    trial.encode("-af", "asetrate=48005,aresample=48000")
    return "audio drifts by -"


@wrong("h264-aac")
def sound_ends_early(trial: Trial) -> str:
    trial.encode("-af", "atrim=0:4.85")
    return "audio ends 0.15 s before the source's"


@wrong("aac")
def drift(trial: Trial) -> str:
    """A second in a quarter of an hour."""
    trial.encode("-filter:a:1", "asetrate=48048,aresample=48000")
    return "audio track 1 drifts by -"


@right("aac")
def slight_drift(trial: Trial) -> None:
    """A second in three hours."""
    trial.encode("-filter:a:1", "asetrate=48005,aresample=48000")


@wrong("opus")
def surround_in_another_order(trial: Trial) -> str:
    trial.encode("-filter:a:0", "pan=5.1|c0=c0|c1=c2|c2=c1|c3=c3|c4=c4|c5=c5")
    return "FR plays the source's FC, FC plays the source's FR"


@wrong("opus")
def lfe_lost(trial: Trial) -> str:
    trial.encode("-filter:a:0", "pan=5.1|c0=c0|c1=c1|c2=c2|c3=0*c3|c4=c4|c5=c5")
    return "in LFE"


@wrong("loudnorm")
def loudness_2_lu_off(trial: Trial) -> str:
    trial.encode(change=option("-af", "loudnorm=I=-14:TP=-1.5:LRA=11"))
    return "-16 within 0.5 LU was asked for"


@right("loudnorm")
def loudness_0_03_lu_off(trial: Trial) -> None:
    trial.encode(change=option("-af", "loudnorm=I=-16:TP=-1.5:LRA=11,volume=0.03dB"))


@wrong("opus")
def lfe_softer_by_0_5_db(trial: Trial) -> str:
    trial.encode("-filter:a:0", "pan=5.1|c0=c0|c1=c1|c2=c2|c3=0.944*c3|c4=c4|c5=c5")
    return "audio track 0: LFE is -0."


@right("opus")
def lfe_softer_by_0_1_db(trial: Trial) -> None:
    trial.encode("-filter:a:0", "pan=5.1|c0=c0|c1=c1|c2=c2|c3=0.988*c3|c4=c4|c5=c5")


@wrong("loudnorm")
def loudness_0_2_lu_off(trial: Trial) -> str:
    trial.encode(change=option("-af", "loudnorm=I=-16:TP=-1.5:LRA=11,volume=0.2dB"))
    return "the usual is -15.98 within 0.1 LU"
