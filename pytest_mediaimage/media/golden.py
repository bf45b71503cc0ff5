"""Golden values: what a case gave when it was right, kept in one JSON file per case.

An entry is keyed by the sample's sha256, the recipe's sha256 and the hardware path. Within it, values are kept per
encoder version (`x264 core 165`) and class of processor (`amd64/avx512`, see `machine`), on hardware paths per encoder
and FFmpeg (`h264_nvenc FFmpeg 8.1`) and family of cards and driver (`nvidia ada/550.54.14`, see `hardware.origin`),
because only the same encoder on the same class must give the same pictures; others are held to a tolerance.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..storage import write_atomically
from . import judge

SCHEMA_VERSION = 1
_SHORT = 8
_MAX_BYTES = 16 * 1024 * 1024

# Tolerances for an encoder version without values of its own. Source: measured drift between x264 versions is at
# most 0.05 dB in the mean; size is gated too, since SVT-AV1 grew by a third at equal quality.
PSNR_Y_MEAN_DROP = 0.15
PSNR_Y_MIN_DROP = 0.5
GROWTH = 0.03


@dataclass(frozen=True, slots=True)
class GoldenValues:
    """One encoder's result: `stream_hash` over all frames (see `judge.stream_hash`), the first 8 hex digits of each
    frame's sha256, `psnr` in dB by metric name, and the file's size in bytes.
    """

    stream_hash: str
    frames: tuple[str, ...]
    psnr: Mapping[str, float]
    bytes: int

    @classmethod
    def of(cls, hashes: Sequence[str], metrics: Mapping[str, Any]) -> GoldenValues:
        """From full frame hashes and the metrics of a judgement (`psnr_*`, `bytes`)."""
        psnr = {name: float(value) for name, value in sorted(metrics.items()) if name.startswith("psnr_")}
        short = tuple(item[:_SHORT] for item in hashes)
        return cls(judge.stream_hash(hashes), short, psnr, int(metrics["bytes"]))

    def first_difference(self, hashes: Sequence[str]) -> int | None:
        """The first frame (from 0) that differs, or where one sequence ends before the other; None if there is none."""
        for index, (short, full) in enumerate(zip(self.frames, hashes, strict=False)):
            if not full.startswith(short):
                return index
        return min(len(self.frames), len(hashes)) if len(self.frames) != len(hashes) else None


@dataclass(frozen=True, slots=True)
class GoldenEntry:
    """Values for one sample, recipe and hardware path, by (encoder, class of processor)."""

    sample: str
    recipe: str
    path: str
    values: Mapping[tuple[str, str], GoldenValues] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.sample, self.recipe, self.path

    def matching(self, encoder: str, stream_hash: str) -> str | None:
        """The class of processor on which `encoder` gave exactly these pictures, or None."""
        found = (
            machine
            for (name, machine), values in self.values.items()
            if name == encoder and values.stream_hash == stream_hash
        )
        return next(found, None)

    def nearest(self, encoder: str, machine: str) -> tuple[str, str] | None:
        """The key with the encoder nearest in family and version, and of the same class where there is one."""
        family, version = _version(encoder)

        def distance(key: tuple[str, str]) -> tuple[bool, int, bool]:
            other, number = _version(key[0])
            return other != family, abs(number - version), key[1] != machine

        return min(self.values, key=distance, default=None)


@dataclass(frozen=True, slots=True)
class Golden:
    """All entries of one case."""

    case: str
    entries: tuple[GoldenEntry, ...] = ()

    def entry(self, *, sample: str, recipe: str, path: str = "cpu") -> GoldenEntry | None:
        """The entry for a sample's and a recipe's sha256 and a hardware path, or None."""
        return next((entry for entry in self.entries if entry.key == (sample, recipe, path)), None)

    def holds(self, stream_hash: str, encoder: str, machine: str) -> bool:
        """Whether these very pictures of this encoder are among the values."""
        kept = (entry.values.get((encoder, machine)) for entry in self.entries)
        return any(values is not None and values.stream_hash == stream_hash for values in kept)

    def with_values(
        self, *, sample: str, recipe: str, path: str, encoder: str, machine: str, values: GoldenValues
    ) -> Golden:
        """A copy in which these values are added, or stand in the place of the old; all others stay."""
        old = self.entry(sample=sample, recipe=recipe, path=path)
        kept = dict(old.values) if old else {}
        new = GoldenEntry(sample, recipe, path, {**kept, (encoder, machine): values})
        rest = (entry for entry in self.entries if entry.key != new.key)
        return Golden(self.case, tuple(sorted((*rest, new), key=lambda entry: entry.key)))


def load(path: Path) -> Golden:
    """Read a golden file. Raises UsageError, naming the file, where there is none or it isn't one."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path} is not a golden file: it is over {_MAX_BYTES} bytes")
        data = json.loads(path.read_bytes())
        if data["schema_version"] != SCHEMA_VERSION:
            raise UsageError(
                f"{path} has schema version {data['schema_version']!r}, this release reads {SCHEMA_VERSION}",
                remedy="Write it anew with --media-update-golden.",
            )
        return Golden(_text(data["case"]), tuple(_entry(raw) for raw in data["entries"]))
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist", remedy="Write it with --media-update-golden.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise UsageError(
            f"{path} is not a golden file: {reason}", remedy="Restore it, or write it with --media-update-golden."
        ) from error


def save(path: Path, golden: Golden) -> None:
    """Write `golden` to `path` in one step: readers see the old file or the new one. Parents are made.

    Raises StorageFault where that fails.
    """
    data = {"schema_version": SCHEMA_VERSION, "case": golden.case, "entries": [_raw(entry) for entry in golden.entries]}
    write_atomically(path, (json.dumps(data, indent=2) + "\n").encode(), mode=0o644)


def packaged(case: str) -> Golden | None:
    """The values that come with this package for `case`, or None."""
    path = Path(__file__).parent / "golden" / f"{case}.json"
    return load(path) if re.fullmatch(r"[\w.-]+", case) and path.is_file() else None


def diff(old: Golden | None, new: Golden) -> list[str]:
    """What changes from `old` to `new`, a line for each machine: `cpu x264 core 165 amd64/ssse3: bytes 100 -> 120`.

    Values that only one of them has are told as they are.
    """
    before = {entry.key: entry for entry in old.entries} if old else {}
    after = {entry.key: entry for entry in new.entries}
    lines = []
    for key in sorted({**before, **after}):
        was, now = (side[key].values if key in side else {} for side in (before, after))
        for name in sorted({**was, **now}):
            if changes := _changes(was.get(name), now.get(name)):
                lines.append(f"{key[2]} {' '.join(name)}: {changes}")
    return lines


def _changes(old: GoldenValues | None, new: GoldenValues | None) -> str:
    if old is None or new is None:
        one = old or new
        told = ", ".join(f"{name} {value}" for name, value in _flat(one).items()) if one else ""
        return f"{'new' if old is None else 'gone'}: {told}"
    left, right = _flat(old), _flat(new)
    names = list(dict.fromkeys((*left, *right)))
    changed = [
        f"{name} {left.get(name, 'none')} -> {right.get(name, 'none')}"
        for name in names
        if left.get(name) != right.get(name)
    ]
    if old.frames != new.frames and (at := new.first_difference(old.frames)) is not None:
        changed.append(f"first frame that differs: {at}")
    return ", ".join(changed)


def _flat(values: GoldenValues) -> dict[str, Any]:
    numbers = {"frames": len(values.frames), "bytes": values.bytes, **values.psnr}
    return {"stream_hash": values.stream_hash[:16], **numbers}


def _version(encoder: str) -> tuple[str, int]:
    family, _, version = encoder.rpartition(" ")
    return (family, int(version)) if version.isdecimal() and version.isascii() else (encoder, 0)


def _raw(entry: GoldenEntry) -> dict[str, Any]:
    values: dict[str, dict[str, Any]] = {}
    for (encoder, machine), item in sorted(entry.values.items()):
        values.setdefault(encoder, {})[machine] = {
            "stream_hash": item.stream_hash,
            "bytes": item.bytes,
            "psnr": dict(sorted(item.psnr.items())),
            "frames": " ".join(item.frames),
        }
    return {"sample": entry.sample, "recipe": entry.recipe, "path": entry.path, "values": values}


def _entry(raw: Mapping[str, Any]) -> GoldenEntry:
    values = {
        (encoder, machine): _values(item)
        for encoder, classes in raw["values"].items()
        for machine, item in classes.items()
    }
    return GoldenEntry(_text(raw["sample"]), _text(raw["recipe"]), _text(raw["path"]), values)


def _values(raw: Mapping[str, Any]) -> GoldenValues:
    frames = tuple(_text(raw["frames"]).split())
    if not re.fullmatch("[0-9a-f]{64}", _text(raw["stream_hash"])):
        raise ValueError(f"{raw['stream_hash']!r} is not a sha256")
    if bad := [item for item in frames if not re.fullmatch(f"[0-9a-f]{{{_SHORT}}}", item)]:
        raise ValueError(f"{bad[0]!r} is not a short frame hash")
    if not isinstance(raw["bytes"], int):
        raise TypeError(f"bytes is {raw['bytes']!r}")
    return GoldenValues(raw["stream_hash"], frames, {_text(k): float(v) for k, v in raw["psnr"].items()}, raw["bytes"])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value
