"""Encoders that get the sound wrong."""

from __future__ import annotations

from encoders import Trial, option, right, wrong


@wrong("h264-aac")
def sound_lost(trial: Trial) -> str:
    trial.encode("-an")
    return "the output has no audio stream"


@wrong("h264-aac")
def sides_swapped(trial: Trial) -> str:
    trial.encode("-af", "pan=stereo|c0=c1|c1=c0")
    return "the audio channels have changed sides"


@wrong("h264-aac")
def mixed_to_mono(trial: Trial) -> str:
    trial.encode("-af", "pan=stereo|c0=.5*c0+.5*c1|c1=.5*c0+.5*c1")
    return "audio channel 0 isn't the source's"


@wrong("h264-aac")
def one_channel_inverted(trial: Trial) -> tuple[str, str]:
    channel = trial.pick(0, 1)
    trial.encode("-af", f"pan=stereo|c0={'-' if channel == 0 else ''}1*c0|c1={'-' if channel == 1 else ''}1*c1")
    return "audio isn't the source's", f"in F{'LR'[channel]}"


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
def louder_by_0_7_db(trial: Trial) -> str:
    trial.encode("-af", "volume=0.7dB")
    return "sound is 0."


@right("h264-aac")
def softer_by_0_3_db(trial: Trial) -> None:
    trial.encode("-af", "volume=-0.3dB")


@wrong("aac")
def one_track_softer_by_0_5_db(trial: Trial) -> str:
    trial.encode("-filter:a:1", "volume=-0.5dB")
    return "audio track 1: F"


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


@wrong("loudnorm")
def loudness_0_2_lu_off(trial: Trial) -> str:
    trial.encode(change=option("-af", "loudnorm=I=-16:TP=-1.5:LRA=11,volume=0.2dB"))
    return "the usual is -15.98 within 0.1 LU"


@wrong("multi-track")
def one_language_alone(trial: Trial) -> str:
    trial.encode(change=option("-map", "0:a:1", 1))
    return "the output has 1 audio tracks (deu), the source 3 (eng, deu, fra)"


@wrong("multi-track")
def tracks_exchanged(trial: Trial) -> str:
    def change(argv: list[str]) -> list[str]:
        at = argv.index("0:a")
        return [*argv[:at], "0:a:1", "-map", "0:a:0", "-map", "0:a:2", *argv[at + 1 :]]

    trial.encode(change=change)
    return "audio track 0 says it is deu, eng was expected"


@wrong("multi-track")
def track_lost(trial: Trial) -> str:
    trial.encode("-map", f"-0:a:{trial.pick(0, 2)}")
    return "the output has 2 audio tracks"


@wrong("multi-track")
def commentary_unmarked(trial: Trial) -> str:
    trial.encode("-disposition:a:2", "0")
    return "audio track 2 is not comment, unlike the source's"


@wrong("multi-track")
def subtitles_lost(trial: Trial) -> str:
    trial.encode("-map", "-0:s")
    return "the output has 0 subtitle tracks (none), the source 2 (eng, deu)"


@wrong("multi-track")
def chapters_lost(trial: Trial) -> str:
    trial.encode("-map_chapters", "-1")
    return "the output has 0 chapters, the source 3"


@wrong("captions")
def captions_lost(trial: Trial) -> str:
    trial.encode("-a53cc", "0")
    return "the captions are gone: no frame carries any"


@wrong("captions")
def captions_of_one_frame_lost(trial: Trial) -> str:
    number = trial.pick(1, 48)
    trial.encode("-vf", f"sidedata=mode=delete:type=A53_CC:enable='eq(n,{number})'")
    return f"frame {number} lost the captions"


@wrong("timed-id3", build="shaka")
def id3_tags_lost(trial: Trial) -> str:
    trial.encode("-dn")
    return "the timed metadata is gone: there is no data track"


@wrong("timed-id3", build="shaka")
def id3_one_tag_lost(trial: Trial) -> str:
    trial.encode("-bsf:d", f"noise=drop=eq(n\\,{trial.pick(1, 3)})")
    return "4 packets of timed metadata, 5 were expected"


@wrong("timed-id3", build="shaka")
def id3_tags_late(trial: Trial) -> str:
    ticks = trial.pick(180, 9000)
    trial.encode("-bsf:d", f"setts=pts=PTS+{ticks}:dts=DTS+{ticks}")
    return f"{ticks / 90:.0f} ms late against the picture (5 of 5 packets)"


@wrong("subtitle-burn-in")
def subtitles_not_drawn(trial: Trial) -> str:
    trial.encode("-vf", "null")
    return "without the subtitle that belongs to 0.5 to 1.02 s"


@wrong("subtitle-burn-in")
def subtitles_drawn_late(trial: Trial) -> str:
    def later(argv: list[str]) -> list[str]:
        at = argv.index("-vf") + 1
        return [*argv[:at], f"setpts=PTS-0.2/TB,{argv[at]},setpts=PTS+0.2/TB", *argv[at + 1 :]]

    trial.encode(change=later)
    return "frames 13-17 without the subtitle"
