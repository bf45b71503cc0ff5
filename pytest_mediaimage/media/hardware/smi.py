"""How busy NVIDIA's cards are while a command runs, by `nvidia-smi`: one process, which repeats its question itself."""

from __future__ import annotations

import shutil
import subprocess
import threading
from dataclasses import dataclass, field

_FIELDS = ("index", "utilization.gpu", "utilization.encoder", "utilization.decoder", "encoder.stats.sessionCount")
_EVERY_MS = 200
_FIRST_SECONDS = 3.0
_MOST_LINES = 100_000


@dataclass(slots=True)
class Smi:
    """`peaks` are the greatest percentages by `gpu`, `encoder`, `decoder`, of the busiest card: of all that runs on it.
    `sessions` is by how many the encode sessions of all cards grew beyond those at the start."""

    peaks: dict[str, int] = field(default_factory=dict)
    sessions: int = 0
    _process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None
    _first: threading.Event = field(default_factory=threading.Event)
    _before: dict[str, int] = field(default_factory=dict)
    _now: dict[str, int] = field(default_factory=dict)

    def start(self) -> str:
        """Begin, and wait for the first answer, 3 s at most. Gives why it can't be asked, or nothing."""
        program = shutil.which("nvidia-smi")
        if program is None:
            return "there is no nvidia-smi on this machine"
        query = [f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits", f"--loop-ms={_EVERY_MS}"]
        try:
            self._process = subprocess.Popen(
                [program, *query],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            return f"nvidia-smi can't be started: {error.strerror}"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._first.wait(_FIRST_SECONDS) or not self._before:
            self.stop()
            return "nvidia-smi gives no answer"
        return ""

    def stop(self) -> None:
        """End it. May be called twice."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        for count, line in enumerate(self._process.stdout):
            if count > _MOST_LINES:
                break
            self._take([word.strip() for word in line.split(",")])
        self._first.set()

    def _take(self, words: list[str]) -> None:
        """A line for a card. What a card can't tell is `[N/A]`."""
        if len(words) != len(_FIELDS) or not any(word.isdecimal() for word in words[1:]):
            return
        index, *loads, count = words
        for name, word in zip(("gpu", "encoder", "decoder"), loads, strict=True):
            if word.isdecimal():
                self.peaks[name] = max(self.peaks.get(name, 0), int(word))
        self._now[index] = int(count) if count.isdecimal() else 0
        self._before.setdefault(index, self._now[index])
        more = sum(max(0, now - self._before[card]) for card, now in self._now.items())
        self.sessions = max(self.sessions, more)
        self._first.set()
