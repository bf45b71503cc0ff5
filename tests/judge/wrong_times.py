"""Encoders that show frames at the wrong time, or begin groups of pictures wrongly."""

from __future__ import annotations

from encoders import Trial, option, right, wrong

_LAST = 124  # frames of the bundled clip, from 0
_PASS = ("-fps_mode", "passthrough")


@wrong("h264-aac")
def half_the_frame_rate(trial: Trial) -> str:
    trial.encode("-r", "12.5")
    return "frame rate is 12.5, 25.0 was expected"


def slower(trial: Trial, times: float) -> None:
    exact = ("-enc_time_base:v", "1:90000", "-video_track_timescale", "90000")
    trial.encode("-vf", f"settb=1/90000,setpts=N*3600*{times}", *_PASS, *exact)


@wrong("h264-aac")
def slower_by_a_thousandth(trial: Trial) -> str:
    """24.975 for 25 frames a second, as where 23.976 and 24 are mixed up: a second in a quarter of an hour."""
    slower(trial, 1.001)
    return "frame rate is 24.975, 25.0 was expected"


@right("h264-aac")
def slower_by_a_ten_thousandth(trial: Trial) -> None:
    slower(trial, 1.0001)


def one_frame_late(trial: Trial, milliseconds: float) -> int:
    number = trial.pick(1, _LAST - 1)
    late = f"setpts='PTS+if(eq(N,{number}),{milliseconds / 1000}/TB,0)'"
    trial.encode("-vf", f"settb=1/1000,{late}", *_PASS, "-enc_time_base:v", "1:1000", "-video_track_timescale", "1000")
    return number


@wrong("h264-aac")
def frame_30_ms_late(trial: Trial) -> str:
    return f"frame {one_frame_late(trial, 30)} shown earlier or later than the rest"


@right("h264-aac")
def frame_10_ms_late(trial: Trial) -> None:
    one_frame_late(trial, 10)


@wrong("vfr")
def time_stamps_rounded(trial: Trial) -> str:
    trial.encode("-vf", "setpts='round(PTS*TB*50)/50/TB'", *_PASS)
    return "shown up to"


@wrong("vfr")
def constant_rate(trial: Trial) -> str:
    trial.encode("-r", "25", change=option("-fps_mode", "cfr"))
    return "shown more than once"


def one_vfr_frame_late(trial: Trial, milliseconds: float) -> int:
    number = trial.pick(2, 47)
    later = f"settb=1/6000,setpts='PTS+if(eq(N,{number}),{milliseconds / 1000}/TB,0)'"
    trial.encode("-vf", later, "-enc_time_base:v", "1:6000", "-video_track_timescale", "6000")
    return number


@wrong("vfr")
def frame_two_milliseconds_late(trial: Trial) -> str:
    return f"frame {one_vfr_frame_late(trial, 2.0)} shown up to 2 ms"


@right("vfr")
def frame_half_a_millisecond_late(trial: Trial) -> None:
    one_vfr_frame_late(trial, 0.5)


@wrong("h264-aac")
def open_groups(trial: Trial) -> str:
    trial.encode("-g", "25", "-x264-params", "open-gop=1:scenecut=0", change=option("-flags:v", "+bitexact-cgop"))
    return "groups of pictures are open"


@wrong("h264-aac")
def key_frames_far_apart(trial: Trial) -> str:
    trial.encode("-g", "250")
    return "a group of pictures lasts up to 5 s, at most 2 s"


@right("h264-aac")
def groups_of_half_the_length(trial: Trial) -> None:
    trial.encode("-g", "25")
