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


def square_of_noise(trial: Trial, side: int) -> int:
    """A square of noise somewhere in the lower half of one frame."""
    number, seed = trial.pick(1, _LAST - 1), trial.random.randrange(10**6)
    left, top = trial.pick(0, 384 - side), trial.pick(108, 216 - side)

    def paint(picture: Picture) -> None:
        picture[top : top + side, left : left + side] = noise((side, side), seed)

    _drawn_over(trial, number, paint)
    return number


@wrong("h264-aac")
def a_block_of_noise(trial: Trial) -> str:
    return f"frame {square_of_noise(trial, 16)}: 8x8 pixels at"


@wrong("h264-aac")
def a_small_block_of_noise(trial: Trial) -> str:
    return f"frame {square_of_noise(trial, 10)}: 8x8 pixels at"


@right("h264-aac")
def a_speck_of_noise(trial: Trial) -> None:
    square_of_noise(trial, 2)


@wrong("h264-aac")
def lowest_row_repeated(trial: Trial) -> str:
    """In all frames it is the row above it, as where a scaler or an upload is off at the edge."""

    def change(pictures: list[Picture]) -> list[Picture]:
        return [np.concatenate((picture[:215], picture[214:215], picture[216:])) for picture in pictures]

    reencode(trial.source, trial.output(), change)
    return "8x8 pixels at"


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


@right("interlaced")
def another_deinterlacer(trial: Trial) -> None:
    trial.encode("-vf", trial.choose("yadif=deint=all", "w3fdif=mode=frame:deint=all"))


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


@wrong("sprites")
def tiles_in_few_bits(trial: Trial) -> str:
    trial.encode(change=option("-q:v", "31"))
    return "isn't like the source scaled down"


@right("sprites")
def tiles_in_somewhat_fewer_bits(trial: Trial) -> None:
    trial.encode(change=option("-q:v", "4"))


@wrong("sprites")
def tiles_of_limited_range(trial: Trial) -> str:
    trial.encode(change=lambda argv: [w.replace(",tile", ",format=yuv420p,setparams=range=pc,tile") for w in argv])
    return "plane Y of a tile is shifted"


@right("rotated", build="shaka")
def turned_by_a_filter(trial: Trial) -> None:
    """In the place of what FFmpeg does by itself; 5.1 keeps the matrix too, and is told to be wrong."""

    def change(argv: list[str]) -> list[str]:
        at = argv.index("-i")
        return [*argv[:at], "-noautorotate", *argv[at:]]

    trial.encode(
        "-vf", "transpose=clock,sidedata=mode=delete:type=DISPLAYMATRIX", "-metadata:s:v", "rotate=0", change=change
    )


@right("interlaced-kept")
def fields_a_step_lower(trial: Trial) -> None:
    trial.encode("-crf", "21")
