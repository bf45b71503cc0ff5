"""What a device did for one command, by counters outside of it: a proof that no program can write into its log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .fdinfo import Descriptors
from .smi import Smi

_LONG_ENOUGH = 1.0
_ENOUGH_LOOKS = 5


@dataclass(slots=True)
class GpuUse:
    """`seconds` an engine of the device was busy for the command, `shares` (0 to 1) of it where only cycles are told;
    `percent` what NVIDIA's encoder, decoder and gpu were at most busy with, for whatever ran; `sessions` how many
    encodes it had more. `opened` is whether the command had a device open, None where that can't be seen. `unreadable`
    says why nothing is told of engines. `elapsed` is in seconds.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    percent: dict[str, int] = field(default_factory=dict)
    sessions: int = 0
    opened: bool | None = None
    unreadable: str = ""
    elapsed: float = 0.0

    @property
    def contradicts(self) -> bool:
        """Whether the command ran long enough to be seen, and never had the device open."""
        return self.opened is False and self.elapsed >= _LONG_ENOUGH

    def __str__(self) -> str:
        told = [f"{name} {value:.2f} s" for name, value in sorted(self.seconds.items()) if value]
        told += [f"{name} {value:.0%}" for name, value in sorted(self.shares.items()) if value]
        told += [f"{name} {value} %" for name, value in sorted(self.percent.items()) if value]
        if self.sessions:
            told.append(f"{self.sessions} encode session{'s' if self.sessions > 1 else ''}")
        if told:
            return f"GPU: {', '.join(told)}"
        if self.unreadable:
            return f"GPU: not readable ({self.unreadable})"
        return "GPU: no work was seen" + (", the device was open" if self.opened else "")


@contextmanager
def counting(marker: str, backend: str, device: str) -> Iterator[GpuUse]:
    """Count while the body runs; what comes out is complete after it.

    `marker` must stand in the command line of what runs, and in no other; `backend` is `cuda`, `vaapi`, `qsv`,
    `vulkan`, or a path of a team's own. Reads twenty times a second at first, once a second after a minute.
    """
    use = GpuUse()
    descriptors = Descriptors(marker, device)
    smi = Smi() if backend == "cuda" or "nvidia" in device else None
    why = smi.start() if smi else ""
    ended = threading.Event()
    thread = threading.Thread(target=_keep_looking, args=(descriptors, ended), daemon=True)
    began = time.monotonic()
    thread.start()
    try:
        yield use
    finally:
        use.elapsed = time.monotonic() - began
        ended.set()
        thread.join()
        if smi is not None:
            smi.stop()
            use.percent, use.sessions = smi.peaks, smi.sessions
        use.seconds, use.shares = descriptors.seconds, descriptors.shares
        use.unreadable = why or ("" if smi else _why_not(descriptors))
        if descriptors.opened:
            use.opened = True
        elif descriptors.looks >= _ENOUGH_LOOKS and not descriptors.denied:
            use.opened = False


def _keep_looking(descriptors: Descriptors, ended: threading.Event) -> None:
    began = time.monotonic()
    while not ended.wait(_pause(time.monotonic() - began)):
        descriptors.look()


def _pause(elapsed: float) -> float:
    return 0.05 if elapsed < 5 else 0.25 if elapsed < 60 else 1.0


def _why_not(descriptors: Descriptors) -> str:
    if descriptors.seconds or descriptors.shares:
        return ""
    if descriptors.denied and not descriptors.opened:
        return "this user may not see what the command has open; run as root"
    if not descriptors.looks:
        return "the command wasn't seen among this machine's processes"
    return "the driver tells no times of its engines" if descriptors.opened else "the command has no device open"
