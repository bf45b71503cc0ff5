"""Encoders that get frames wrong: which come out, when, and what they show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from encoders import Trial, option, right, wrong
from pictures import Picture, noise, packet_at, reencode

from pytest_mediaimage.media.clip import fresh_clip

_LAST = 124  # frames of the bundled clip, from 0
_PASS = ("-fps_mode", "passthrough")


def _drawn_over(trial: Trial, number: int, paint: Callable[[Picture], None]) -> None:
    """One frame is painted over, below its number."""

    def change(pictures: list[Picture]) -> list[Picture]:
        pictures[number] = pictures[number].copy()
        paint(pictures[number])
        return pictures

    reencode(trial.source, trial.output(), change)


@wrong("h264-aac")
def dropped_frame(trial: Trial) -> str:
    number = trial.pick(1, _LAST - 1)
    trial.encode("-vf", f"select='not(eq(n,{number}))'", *_PASS)
    return f"frame {number} missing"


@wrong("h264-aac")
def doubled_frame(trial: Trial) -> str:
    number = trial.pick(1, _LAST - 1)
    reencode(trial.source, trial.output(), lambda all: all[: number + 1] + all[number:])
    return f"frame {number} shown more than once"


@wrong("h264-aac")
def frozen_frames(trial: Trial) -> tuple[str, str]:
    first = trial.pick(2, _LAST - 3)
    reencode(trial.source, trial.output(), lambda all: all[:first] + [all[first - 1]] * 3 + all[first + 3 :])
    return f"frames {first}-{first + 2} missing", f"frame {first - 1} shown more than once"


@wrong("h264-aac")
def two_frames_swapped(trial: Trial) -> str:
    number = trial.pick(1, _LAST - 2)
    reencode(
        trial.source, trial.output(), lambda all: [*all[:number], all[number + 1], all[number], *all[number + 2 :]]
    )
    return f"frames {number} and {number + 1} swapped"


@wrong("h264-aac")
def frame_moved(trial: Trial) -> str:
    number = trial.pick(1, _LAST - 6)
    reencode(
        trial.source,
        trial.output(),
        lambda all: [*all[:number], *all[number + 1 : number + 6], all[number], *all[number + 6 :]],
    )
    return f"frame {number} follows frame {number + 5}"


@wrong("h264-aac")
def grey_frame(trial: Trial) -> str:
    number = trial.pick(1, _LAST - 1)
    _drawn_over(trial, number, lambda picture: picture.fill(128))
    return f"frame {number} of the output carries no readable number"


@wrong("h264-aac")
def noise_in_a_frame(trial: Trial) -> str:
    number, seed = trial.pick(1, _LAST - 1), trial.random.randrange(10**6)

    def paint(picture: Picture) -> None:
        picture[80:216] = noise((136, 384), seed)

    _drawn_over(trial, number, paint)
    return f"frame {number}: PSNR-Y"


@wrong("h264-aac")
def torn_frame(trial: Trial) -> str:
    """The lower half is still the frame's before."""
    number = trial.pick(1, _LAST - 1)

    def change(pictures: list[Picture]) -> list[Picture]:
        torn = pictures[number].copy()
        torn[108:216] = pictures[number - 1][108:216]
        return [*pictures[:number], torn, *pictures[number + 1 :]]

    reencode(trial.source, trial.output(), change)
    return f"frame {number}: PSNR-Y"


def _block(trial: Trial, side: int) -> int:
    """A square of noise somewhere in the lower half of one frame."""
    number, seed = trial.pick(1, _LAST - 1), trial.random.randrange(10**6)
    left, top = trial.pick(0, 384 - side), trial.pick(108, 216 - side)

    def paint(picture: Picture) -> None:
        picture[top : top + side, left : left + side] = noise((side, side), seed)

    _drawn_over(trial, number, paint)
    return number


@wrong("h264-aac")
def a_block_of_noise(trial: Trial) -> str:
    return f"frame {_block(trial, 16)}: 8x8 pixels at"


@wrong("h264-aac")
def a_small_block_of_noise(trial: Trial) -> str:
    return f"frame {_block(trial, 10)}: 8x8 pixels at"


@right("h264-aac")
def a_speck_of_noise(trial: Trial) -> None:
    _block(trial, 2)


@wrong("h264-aac")
def damaged_bytes(trial: Trial) -> str:
    trial.encode()
    with trial.output().open("r+b") as file:
        file.seek(packet_at(trial.output(), trial.pick(1, _LAST)))
        file.write(b"\xff" * 4)
    return "can't be decoded to its end"


@wrong("h264-aac")
def file_cut_off(trial: Trial) -> str:
    """The index lies behind the pictures."""
    trial.encode()
    data = trial.output().read_bytes()
    trial.output().write_bytes(data[: trial.pick(10, 90) * len(data) // 100])
    return "output.mp4 can't be read as media"


@wrong("h264-aac")
def file_with_its_index_cut_off(trial: Trial) -> str:
    trial.encode("-movflags", "+faststart")
    data = trial.output().read_bytes()
    trial.output().write_bytes(data[: trial.pick(30, 98) * len(data) // 100])
    return "output.mp4 is truncated"


@wrong("h264-aac")
def tail_lost(trial: Trial) -> str:
    number = trial.pick(60, _LAST - 1)
    trial.encode("-frames:v", str(number))
    return f"frames {number}-{_LAST} missing" if number < _LAST else f"frame {_LAST} missing"


@wrong("h264-aac")
def half_the_frame_rate(trial: Trial) -> str:
    trial.encode("-r", "12.5")
    return "frame rate is 12.5, 25.0 was expected"


@wrong("h264-aac")
def slower_by_a_thousandth(trial: Trial) -> str:
    """24.975 for 25 frames a second, as where 23.976 and 24 are mixed up: a second in a quarter of an hour."""
    times = ("-enc_time_base:v", "1:90000", "-video_track_timescale", "90000")
    trial.encode("-vf", "settb=1/90000,setpts=N*3603.6", *_PASS, *times)
    return "frame rate is 24.975, 25.0 was expected"


@wrong("h264-aac")
def frame_late(trial: Trial) -> str:
    number = trial.pick(1, _LAST - 1)
    late = f"setpts='PTS+if(eq(N,{number}),0.03/TB,0)'"
    trial.encode("-vf", f"settb=1/1000,{late}", *_PASS, "-enc_time_base:v", "1:1000", "-video_track_timescale", "1000")
    return f"frame {number} shown earlier or later than the rest"


@wrong("vfr")
def time_stamps_rounded(trial: Trial) -> str:
    trial.encode("-vf", "setpts='round(PTS*TB*50)/50/TB'", *_PASS)
    return "shown up to"


@wrong("vfr")
def constant_rate(trial: Trial) -> str:
    trial.encode("-r", "25", change=option("-fps_mode", "cfr"))
    return "shown more than once"


def _one_off(trial: Trial, milliseconds: float) -> int:
    number = trial.pick(2, 47)
    later = f"settb=1/6000,setpts='PTS+if(eq(N,{number}),{milliseconds / 1000}/TB,0)'"
    trial.encode("-vf", later, "-enc_time_base:v", "1:6000", "-video_track_timescale", "6000")
    return number


@wrong("vfr")
def frame_two_milliseconds_late(trial: Trial) -> str:
    return f"frame {_one_off(trial, 2.0)} shown up to 2 ms"


@right("vfr")
def frame_half_a_millisecond_late(trial: Trial) -> None:
    _one_off(trial, 0.5)


@wrong("interlaced")
def left_interlaced(trial: Trial) -> str:
    trial.encode("-vf", "setfield=prog")
    return "the lines of two fields are still woven together"


@wrong("interlaced")
def marked_as_interlaced(trial: Trial) -> str:
    trial.encode("-vf", "null", "-flags:v", "+bitexact+cgop+ildct+ilme", "-x264-params", "tff=1")
    return "frames are still marked as interlaced"


@wrong("interlaced")
def wrong_field_first(trial: Trial) -> str:
    trial.encode("-vf", "bwdif=mode=send_frame:parity=bff:deint=all")
    return "mean PSNR-Y is"


@wrong("interlaced-kept")
def fields_made_progressive(trial: Trial) -> str:
    trial.encode("-flags:v", "-ildct-ilme")
    return "frames 0-49 of 50 not marked as interlaced"


@wrong("interlaced-kept")
def fields_woven_anew(trial: Trial) -> str:
    trial.encode("-vf", "bwdif=mode=send_frame")
    return "bottom field: frame"


@wrong("interlaced-kept")
def fields_in_the_other_order(trial: Trial) -> str:
    trial.encode("-vf", "setfield=bff")
    return "frames 0-49 with the bottom field first, the source's begin with the other"


@wrong("rotated")
def upside_down(trial: Trial) -> str:
    trial.encode("-vf", "hflip,vflip")
    return "the picture is upside down"


@wrong("rotated")
def turned_twice(trial: Trial) -> str:
    trial.encode("-vf", "transpose=clock")
    return "the picture is turned by 90 degrees clockwise"


@wrong("h264-aac")
def mirrored(trial: Trial) -> str:
    trial.encode("-vf", "hflip")
    return "the picture is mirrored"


@wrong("h264-aac")
def open_groups(trial: Trial) -> str:
    trial.encode("-g", "25", "-x264-params", "open-gop=1:scenecut=0", change=option("-flags:v", "+bitexact-cgop"))
    return "groups of pictures are open"


@wrong("h264-aac")
def key_frames_far_apart(trial: Trial) -> str:
    trial.encode("-g", "250")
    return "a group of pictures lasts up to 5 s, at most 2 s"


def _fresh(trial: Trial, name: str) -> int:
    trial.source = trial.folder / name
    return fresh_clip(trial.source, frames=25)


@wrong("h264-aac")
def input_ignored(trial: Trial) -> tuple[str, str]:
    """A clip of its own is encoded, whatever comes in."""
    trial.encode()
    trial.nonce = _fresh(trial, "fresh.mp4")
    return "of another clip", "the output was not made from this input"


@wrong("h264-aac")
def stale_output(trial: Trial) -> tuple[str, str]:
    """What was made of the last clip lies there still."""
    last = _fresh(trial, "last.mp4")
    trial.encode()
    trial.nonce = _fresh(trial, "fresh.mp4")
    return f"of another clip: nonce {last} instead of {trial.nonce}", "the output was not made from this input"


@wrong("sprites")
def tiles_exchanged(trial: Trial) -> str:
    trial.encode()
    first = trial.pick(0, 8)
    _swap_tiles(trial, first, first + 3)
    frames = (3, 9, 15, 21, 28, 34, 40, 46, 53, 59, 65, 71)
    return f"tile {first} shows frame {frames[first + 3]}, frame {frames[first]} was expected"


def _swap_tiles(trial: Trial, a: int, b: int) -> None:
    sheet = trial.output("sprites-1.jpg")
    raw = trial.folder / "raw.yuv"
    trial.run([trial.build.program, "-v", "error", "-y", "-i", sheet, "-f", "rawvideo", raw])
    data = np.fromfile(raw, np.uint8)
    planes, start = [], 0
    for half in (1, 2, 2):
        height, width = 216 // half, 512 // half
        plane = data[start : start + height * width].reshape(height, width)
        start += height * width
        tall, wide = 72 // half, 128 // half
        one, other = (
            (slice(at // 4 * tall, (at // 4 + 1) * tall), slice(at % 4 * wide, (at % 4 + 1) * wide)) for at in (a, b)
        )
        kept = plane[one].copy()
        plane[one] = plane[other]
        plane[other] = kept
        planes.append(plane)
    np.concatenate([plane.ravel() for plane in planes]).tofile(raw)
    form = ("-f", "rawvideo", "-s", "512x216", "-pix_fmt", "yuvj420p", "-i", raw)
    trial.run([trial.build.program, "-v", "error", "-y", *form, "-q:v", "3", "-frames:v", "1", sheet])


@wrong("sprites")
def tile_missing(trial: Trial) -> str:
    trial.encode(change=lambda argv: [word.replace("fps=4,", "fps=4,trim=end_frame=19,") for word in argv])
    return "there are 19 tiles, 20 were expected"
