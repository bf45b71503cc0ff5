"""Every key that a policy may hold: what its value must be, and which check it governs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UsageError
from ..result import Severity
from .acceptance import (
    EXPOSURES,
    PATENT_USES,
    VULNERABILITY_SEVERITIES,
    parse_accepted_patents,
    parse_agreements,
)
from .licenses import parse_allow_if, parse_licenses
from .model import Ignore, Limits, OwnPath, Policy
from .units import LARGEST, nearest, parse_bytes, parse_percent, shown

HARDWARE = ("nvenc", "nvdec", "vaapi", "qsv", "vulkan")
"""The hardware paths that come with the package."""

# No empty, `.` or `..` part, but for a slash at the end.
_ABSOLUTE = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[^/\0]+)+/?")
_PLATFORM = re.compile(r"[a-z0-9]+(?:/[a-z0-9][a-z0-9._-]*){1,2}")
_TAKEN = ("cpu", *HARDWARE, "reachable", "driver-floor", "fallback")  # names of paths, and of other checks hardware.*
_PATH_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LEAST_MEMORY = 6 << 20  # moby, daemon/daemon_unix.go: linuxMinMemory
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}")


@dataclass(frozen=True, slots=True)
class Key:
    """A setting. `argument` is its name in `media_image.check(check, argument=...)`.

    A `budget` that a policy sets itself counts with the check's own severity, not with a milder one that an
    extended preset chose for its own, wider budget.
    """

    parse: Callable[[Any], Any]
    check: str = ""
    argument: str = ""
    budget: bool = False


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise ValueError(f"{shown(value)} is no count; write a whole number above 0")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is no text")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no list; write [one, two]")
    return tuple(_text(item) for item in value)


def _glob(value: Any) -> str:
    """fnmatch takes a bracket without an end for itself, which nobody means who didn't write `[[]`."""
    text = _text(value)
    rest = text
    while "[" in rest:
        rest = rest.partition("[")[2]
        inside = rest[2:] if rest.startswith("!") else rest[1:]
        if "]" not in inside:
            raise ValueError(f"{shown(text)} has a [ without its ]; write [[] for the character itself")
        rest = inside.partition("]")[2]
    return text


def _globs(value: Any) -> tuple[str, ...]:
    return tuple(_glob(item) for item in _names(value))


def _path_globs(value: Any) -> tuple[str, ...]:
    globs = _globs(value)
    for glob in globs:
        if not glob.startswith(("/", "*", "?", "[")):
            raise ValueError(f"{shown(glob)} matches no path: paths in an image begin with a slash")
    return globs


def _one_of(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{shown(value)} is none of {', '.join(words)}")
        return str(value)

    return parse


def _some_of(*words: str) -> Callable[[Any], tuple[str, ...]]:
    one = _one_of(*words)
    return lambda value: tuple(one(name) for name in _names(value))


def _platforms(value: Any) -> tuple[str, ...]:
    names = _names(value)
    for name in names:
        if not _PLATFORM.fullmatch(name):
            raise ValueError(f"{shown(name)} is no platform; write linux/amd64 or linux/arm/v7")
    return names


def _version(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # YAML reads 20.10 as the number 20.1.
        raise ValueError(f'{shown(value)} is a number; write a version in quotes, as in "20.10"')
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise ValueError(f'{shown(value)} is no version; write one as in "20.10" or "1.7.2"')
    return value


def _severities(value: Any) -> dict[str, Severity]:
    return {check: parse_severity(word) for check, word in _mapping(value).items()}


def parse_severity(word: Any) -> Severity:
    if word not in ("error", "warning", "note"):
        raise ValueError(f"{shown(word)} is no severity; write error, warning or note")
    return Severity.parse(word)


def _paths(value: Any) -> dict[str, str | OwnPath]:
    parse = _one_of("required", "if-present")
    return {
        path: _own_path(path, word) if isinstance(word, dict) else parse(word) for path, word in _mapping(value).items()
    }


def _own_path(name: str, value: Any) -> OwnPath:
    entry = _mapping(value)
    if name in _TAKEN or not _PATH_NAME.fullmatch(name):
        raise ValueError(f"{shown(name)} can't name a path of your own; write a new word in small letters")
    if set(entry) != {"devices", "arguments", "proof"}:
        known = ["devices", "arguments", "proof"]
        unknown = [f"; unknown key {shown(key)}{nearest(str(key), known)}" for key in entry if key not in known]
        raise ValueError(f"{shown(name)} needs devices, arguments and proof, and nothing else{''.join(unknown[:1])}")
    devices, proof, arguments = _glob(entry["devices"]), _text(entry["proof"]), _names(entry["arguments"])
    if not devices.startswith("/dev/") or "/../" in devices:
        raise ValueError(f"{shown(devices)} is no glob of device nodes; write /dev/name*")
    if not arguments:
        raise ValueError("arguments are empty; write [-c:v, h264_name]")
    try:
        re.compile(proof)
    except re.error as error:
        raise ValueError(f"{shown(proof)} is no regular expression: {error}") from error
    return OwnPath(devices, arguments, proof)


def _command(value: Any) -> tuple[str, ...]:
    words = _names(value)
    for needed in ("{input}", "{output}"):
        if not any(needed in word for word in words):
            raise ValueError(f'{needed} is missing; write [/app/encode, "{{input}}", "{{output}}"]')
    return words


def _limits(value: Any) -> Limits:
    entry = _mapping(value)
    unknown = sorted(set(entry) - {"memory", "cpus"})
    if unknown:
        raise ValueError(f"unknown key {shown(unknown[0])}; write {{memory: 1GB, cpus: 1}}")
    cpus = entry.get("cpus", Limits.cpus)
    if isinstance(cpus, bool) or not isinstance(cpus, (int, float)) or not 0.01 <= cpus <= 1024:
        raise ValueError(f"cpus: {shown(cpus)} is no number of cores; write 1 or 0.5")
    memory = parse_bytes(entry["memory"]) if "memory" in entry else Limits.memory
    if memory < _LEAST_MEMORY:
        raise ValueError(f"memory: {shown(entry['memory'])} is less than the 6 MiB that Docker takes")
    return Limits(memory, float(cpus))


def _path_budgets(value: Any) -> dict[str, int]:
    budgets = _mapping(value)
    for path in budgets:
        # What can't match any path would guard nothing, and nobody would notice.
        if not _ABSOLUTE.fullmatch(path):
            raise ValueError(f"{shown(path)} is no absolute path or glob; write /app or /usr/lib/*.a")
        if path.count("[") != path.count("]"):
            raise ValueError(f"{shown(path)} is no glob: a bracket stands alone")
    return {path: parse_bytes(budget) for path, budget in budgets.items()}


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{shown(value)} is no mapping; write {{name: value}}")
    return value


def parse_ignore(value: Any) -> Ignore:
    """One entry of `ignore`. Raises ValueError."""
    entry = _mapping(value)
    unknown = sorted(set(entry) - {"check", "path", "evidence", "reason", "until"})
    if unknown:
        raise ValueError(f"unknown key {shown(unknown[0])}; an entry has check, path, evidence, reason and until")
    for key in ("check", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ValueError(f"an entry needs {key!r}")
    until = entry.get("until")
    if until is not None and (not isinstance(until, datetime.date) or isinstance(until, datetime.datetime)):
        raise ValueError(f"until: {shown(until)} is no date; write 2027-01-31")
    path, evidence = entry.get("path", ""), entry.get("evidence", "")
    return Ignore(
        _glob(entry["check"]),
        entry["reason"].strip(),
        _glob(path) if path else "",
        until,
        _glob(evidence) if evidence else "",
    )


def _ignores(value: Any) -> tuple[Ignore, ...]:
    if not isinstance(value, list):
        raise ValueError("write a list of entries: [{check: ..., reason: ...}]")
    return tuple(parse_ignore(item) for item in value)


CPU_LEVELS = ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")
"""From the oldest on (x86-64 psABI, "Micro-Architecture Levels")."""

KEYS: Mapping[str, Key] = {
    "image.pinned": Key(_boolean, "reference.pinned", "pinned", budget=True),
    "image.platforms": Key(_platforms, "manifest.platforms", "platforms", budget=True),
    "image.compression": Key(_one_of("zstd", "gzip"), "manifest.compression", "compression", budget=True),
    "image.labels": Key(_names, "manifest.labels", "labels", budget=True),
    "image.attestations": Key(
        _some_of("sbom", "provenance", "signature"), "manifest.attestations", "attestations", budget=True
    ),
    "fleet.docker": Key(_version, "manifest.runtime-floor", "docker", budget=True),
    "fleet.containerd": Key(_version, "manifest.runtime-floor", "containerd", budget=True),
    "fleet.podman": Key(_version, "manifest.runtime-floor", "podman", budget=True),
    "fleet.cpu": Key(_one_of(*CPU_LEVELS), "binaries.isa", "cpu", budget=True),
    "fleet.nvidia-driver": Key(_version, "hardware.driver-floor", "driver", budget=True),
    "size.compressed": Key(parse_bytes, "size.compressed", "max", budget=True),
    "size.unpacked": Key(parse_bytes, "size.unpacked", "max", budget=True),
    "size.layer": Key(parse_bytes, "size.layer", "max", budget=True),
    "size.paths": Key(_path_budgets, "size.path", "paths", budget=True),
    "size.files": Key(_count, "size.files", "max", budget=True),
    "size.growth": Key(parse_percent, "size.growth", "max", budget=True),
    "layers.count": Key(_count, "layers.count", "max", budget=True),
    "layers.waste": Key(parse_percent, "layers.waste", "max", budget=True),
    "layers.reuse": Key(parse_percent, "layers.reuse", "min", budget=True),
    "contents.allow": Key(_path_globs, "contents.media", "allow"),
    "compat.structure": Key(_names),
    "compat.dive": Key(_text),
    "ffmpeg.encoders": Key(_names, "ffmpeg.capabilities", "encoders"),
    "ffmpeg.decoders": Key(_names, "ffmpeg.capabilities", "decoders"),
    "ffmpeg.filters": Key(_names, "ffmpeg.capabilities", "filters"),
    "ffmpeg.protocols": Key(_names, "ffmpeg.capabilities", "protocols"),
    "sbom.attached": Key(_boolean, "sbom.attached", "attached", budget=True),
    "sbom.formats": Key(_some_of("cyclonedx", "spdx"), "sbom.attached", "formats", budget=True),
    "license.max": Key(_text, "license.ffmpeg", "max", budget=True),
    "license.nonfree": Key(_one_of("deny", "allow"), "license.ffmpeg", "nonfree"),
    "license.allow": Key(parse_licenses, "license.components", "allow", budget=True),
    "license.deny": Key(parse_licenses, "license.components", "deny", budget=True),
    "license.allow-if": Key(parse_allow_if, "license.components", "allow_if", budget=True),
    "license.unknown": Key(_one_of("fail", "warn", "ignore"), "license.components", "unknown", budget=True),
    "license.label": Key(_one_of("covers", "equals", "ignore"), "license.label", "label", budget=True),
    "patents.data": Key(_text, "license.patents", "data"),
    "patents.require": Key(_some_of(*EXPOSURES), "license.patents", "require", budget=True),
    "patents.on": Key(_some_of(*PATENT_USES, "device"), "license.patents", "on"),
    "patents.agreements": Key(parse_agreements, "license.patents", "agreements"),
    "patents.accepted": Key(parse_accepted_patents, "license.patents", "accepted"),
    "vulnerabilities.severity": Key(
        _one_of(*VULNERABILITY_SEVERITIES), "vulnerabilities.known", "severity", budget=True
    ),
    "vulnerabilities.fix-available": Key(_boolean, "vulnerabilities.known", "fix_available"),
    "vulnerabilities.scanner": Key(_one_of("auto", "grype", "trivy", "none"), "vulnerabilities.known", "scanner"),
    "transcode.cases": Key(_names),
    "transcode.paths": Key(_paths),
    "transcode.limits": Key(_limits, "transcode.limits", "limits", budget=True),
    "transcode.speed": Key(parse_percent, "transcode.speed", "tolerance", budget=True),
    "container.command": Key(_command, "container.stop", "command"),
    "container.grace": Key(_count, "container.stop", "grace", budget=True),
    "fallback.command": Key(_command, "hardware.fallback", "command"),
    "required": Key(_globs),
    "severity": Key(_severities),
    "ignore": Key(_ignores),
}
"""Dotted key to what it means; `field_name` gives its Policy field."""


def field_name(key: str) -> str:
    """The field of Policy that holds a key: the key with `_` for dot and hyphen."""
    return key.replace(".", "_").replace("-", "_")


SECTIONS = frozenset(key.partition(".")[0] for key in KEYS if "." in key)


def override(policy: Policy, check: str, arguments: Mapping[str, Any]) -> Policy:
    """The policy with a check's settings replaced, as `media_image.check` does. Raises UsageError."""
    known = {key.argument: name for name, key in KEYS.items() if key.check == check}
    changed: dict[str, Any] = {}
    for argument, value in arguments.items():
        if argument not in known:
            takes = ", ".join(known) or "no settings"
            raise UsageError(f"the check {check} has no setting {argument!r}", remedy=f"It takes: {takes}.")
        name = known[argument]
        try:
            changed[field_name(name)] = KEYS[name].parse(list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            raise UsageError(f"{check}: {argument}: {error}") from error
    severity = {name: level for name, level in policy.severity.items() if name != check}
    return replace(policy, severity=severity, **changed)
