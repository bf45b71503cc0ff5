"""Writes the first key frame of a file as JPEG: worker.py INPUT OUTPUT."""

import sys

import av


def main(source: str, target: str) -> None:
    with av.open(source) as container:
        frame = next(container.decode(video=0))
        frame.to_image().save(target)


if __name__ == "__main__":
    main(*sys.argv[1:3])
