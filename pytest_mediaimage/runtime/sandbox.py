"""Runs images without a daemon and without privileges: bubblewrap, one user namespace, an overlay.

The image is unpacked once and stays read-only; what a container writes goes to a directory of its own and
is thrown away.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import CommandTimeout, EnvironmentFault, SandboxUnavailable
from ..removal import remove_tree
from ..storage import storage_faults
from . import inroot
from .base import NOBODY, PLAIN, Capability, Devices, DevicesRefused, Resources, RunnableImage
from .bubblewrap import find_bubblewrap
from .cgroups import ControlGroup, make_group
from .elf import INIT, PROBE_MEMORY
from .hierarchies import NoControlGroup
from .platforms import require_platform
from .rootfs import private_directory, skeleton, unpacked
from .rundir import RunDirectory, current, start_watchdog
from .sandbox_container import SandboxContainer, launch
from .sandbox_process import TEMPORARY, SandboxProcess, ground, own_folder, place, start_process
from .userns import unwritable
from .users import User, resolve_user

_DATABASE_LIMIT = 1 << 20
"""Bytes of /etc/passwd and /etc/group that are read."""


class SandboxRuntime:
    """Starts containers below one cache directory.

    Raises SandboxUnavailable, with cause and remedy, where bubblewrap, nsenter or user namespaces are
    missing or forbidden, and StorageFault where `cache` can't be used.
    """

    name = "sandbox"

    def __init__(self, cache: Path) -> None:
        bubblewrap = find_bubblewrap()
        nsenter = shutil.which("nsenter")
        if nsenter is None:
            raise SandboxUnavailable("nsenter isn't installed", remedy="Install the package util-linux.")
        self.version = bubblewrap.version
        self._program = bubblewrap.program
        self._nsenter = nsenter
        self._cache = private_directory(cache.resolve())
        self._skeleton = skeleton(self._cache, os.uname().machine)
        self._on_disk: dict[int, Capability] = {}
        self._capabilities = self._probe()
        self._own_run: RunDirectory | None = None
        self._group_numbers = itertools.count(1)

    def capabilities(self) -> Mapping[str, Capability]:
        """As probed when the runtime was made, in a container of an empty image; `memory-limit` at the first call."""
        if "memory-limit" not in self._capabilities:
            self._capabilities["memory-limit"] = self._probe_memory()
        return self._capabilities

    def start(self, image: RunnableImage, *, work: Path, resources: Resources = PLAIN) -> SandboxContainer:
        """Start a container; what it writes lies below `work`, or in memory where no overlay is possible there.

        Raises UsageError for a platform or user that doesn't fit, EnvironmentFault where it can't start.
        """
        rootfs, user = self._prepare(image, resources)
        on_disk = self._overlay_on_disk(work).available
        working_dir = image.config.working_dir or "/"
        container = self._launch(rootfs, work.resolve(), working_dir, on_disk=on_disk, user=user, resources=resources)
        try:
            container.configure(image.config.env, working_dir, user.home)
        except BaseException:
            container.close()
            raise
        return container

    def start_command(
        self,
        image: RunnableImage,
        argv: Sequence[str],
        *,
        work: Path,
        files: Mapping[str, Path],
        resources: Resources = PLAIN,
    ) -> SandboxProcess:
        """As Runtime.start_command. It dies with the thread that starts it."""
        rootfs, user = self._prepare(image, resources)
        on_disk = self._overlay_on_disk(work).available
        working_dir = image.config.working_dir or "/"
        scratch = self._scratch(rootfs, work.resolve())
        try:
            folder = own_folder(scratch, self._skeleton)
            place(folder, files)
            lower = (rootfs, ground(scratch, rootfs, working_dir), self._skeleton)
            env = {"HOME": user.home, **image.config.env}
            with self._limits(resources) as group:
                return start_process(
                    self._program,
                    argv,
                    lower,
                    scratch,
                    on_disk,
                    user,
                    env,
                    working_dir,
                    tmpfs=resources.tmpfs,
                    group=group,
                )
        except BaseException:
            remove_tree(scratch)
            raise

    def _prepare(self, image: RunnableImage, resources: Resources) -> tuple[Path, User]:
        """The image's unpacked tree, and its user, where the machine can give what is asked for."""
        _require_devices(resources.devices)
        require_platform(image.platform, os.uname().machine)
        rootfs = unpacked(image, self._cache)
        with inroot.open_root(rootfs) as root:
            user = resolve_user(
                f"{NOBODY}:{NOBODY}" if resources.hardened else image.config.user,
                passwd=inroot.read_text(root, "/etc/passwd", limit=_DATABASE_LIMIT),
                group=inroot.read_text(root, "/etc/group", limit=_DATABASE_LIMIT),
            )
        return rootfs, user

    def close(self) -> None:
        """Remove its run directory if it made one; the unpacked images stay for the next run."""
        if self._own_run is not None:
            self._own_run.close()

    @contextmanager
    def _limits(self, resources: Resources) -> Iterator[ControlGroup | None]:
        """A control group for what is started in the block; removed where that fails."""
        if resources.memory is None and resources.cpus is None:
            yield None
            return
        run = current(self._cache)
        if run is None:
            run = self._own_run = RunDirectory(self._cache)
            start_watchdog(run)
        name = f"{run.run_id}.{next(self._group_numbers)}"
        try:
            group = make_group(name, memory=resources.memory, cpus=resources.cpus, note=run.note_group)
        except NoControlGroup as fault:
            raise SandboxUnavailable(
                f"the sandbox can't limit memory and CPU: {fault.message}", remedy=fault.remedy
            ) from fault
        try:
            yield group
        except BaseException:
            group.close()
            raise

    def _scratch(self, rootfs: Path, work: Path) -> Path:
        """A new directory for what a container writes."""
        with storage_faults(work):
            scratch = Path(tempfile.mkdtemp(prefix="sandbox-", dir=work))
            for name in ("upper", "work"):
                (scratch / name).mkdir()
            # The root of an overlay has the mode of its uppermost layer.
            (scratch / "upper").chmod(stat.S_IMODE(rootfs.stat().st_mode))
        return scratch

    def _launch(
        self,
        rootfs: Path,
        work: Path,
        working_dir: str = "/",
        *,
        on_disk: bool,
        user: User,
        resources: Resources = PLAIN,
    ) -> SandboxContainer:
        scratch = self._scratch(rootfs, work)
        try:
            lower: tuple[Path, ...] = (rootfs, self._skeleton)
            folder, tmpfs = None, dict(resources.tmpfs)
            if resources.hardened:
                folder = own_folder(scratch, self._skeleton)
                lower = (rootfs, ground(scratch, rootfs, working_dir, temporary=True), self._skeleton)
                tmpfs["/tmp"] = TEMPORARY
            with self._limits(resources) as group:
                return launch(
                    self._program,
                    self._nsenter,
                    lower=lower,
                    scratch=scratch,
                    on_disk=on_disk,
                    user=user,
                    nodes=resources.devices.nodes,
                    folder=folder,
                    tmpfs=tmpfs,
                    read_only=resources.hardened,
                    group=group,
                )
        except BaseException:
            remove_tree(scratch)
            raise

    def _overlay_on_disk(self, place: Path) -> Capability:
        """Whether an overlay on the file system of `place` mounts and can be written; asked once for each."""
        device = place.stat().st_dev
        if device not in self._on_disk:
            try:
                with self._empty(place, on_disk=True) as container:
                    _write_probe(container)
                self._on_disk[device] = Capability(True)
            except (SandboxUnavailable, OSError) as error:
                said = error.message if isinstance(error, SandboxUnavailable) else str(error)
                self._on_disk[device] = Capability(
                    False, f"what a container writes is kept in memory: no overlay on {place}: {said}"
                )
        return self._on_disk[device]

    def _probe(self) -> dict[str, Capability]:
        on_disk = self._overlay_on_disk(self._cache)
        with self._empty(self._cache, on_disk=on_disk.available) as container:
            try:
                _write_probe(container)
            except OSError as error:
                raise unwritable(error) from error
            isolated = container.run([INIT, "n"], timeout=10).exit_code
            ran = container.run([INIT, "k"], timeout=10)
        if ran.exit_code != 0 or isolated not in (0, 1):
            raise SandboxUnavailable(
                f"the sandbox starts but runs nothing: exit code {ran.exit_code}, {ran.stderr.strip()}",
                remedy="Use --media-runtime docker, or --media-static.",
            )
        return {
            "exec": Capability(True),
            "overlay-on-disk": on_disk,
            "network-isolation": Capability(isolated == 0, "" if isolated == 0 else "a route leads out of it"),
            "ownership": Capability(
                False, "the sandbox maps one user: in it, every file of the image belongs to the image's user"
            ),
        }

    def _probe_memory(self) -> Capability:
        limit = Resources(memory=PROBE_MEMORY // 2, cpus=0.5)
        try:
            with self._empty(
                self._cache, on_disk=self._overlay_on_disk(self._cache).available, resources=limit
            ) as room:
                ended = room.run([INIT, "m"], timeout=30)
                killed = room.group is not None and room.group.out_of_memory
        except (EnvironmentFault, CommandTimeout) as fault:
            cause = fault.__cause__
            return Capability(False, str(cause if isinstance(cause, NoControlGroup) else fault))
        if ended.exit_code == 137 and killed:
            return Capability(True)
        return Capability(False, f"a program took {PROBE_MEMORY} bytes in a container limited to {limit.memory}")

    @contextmanager
    def _empty(self, place: Path, *, on_disk: bool, resources: Resources = PLAIN) -> Iterator[SandboxContainer]:
        """A container of an empty image."""
        with storage_faults(place):
            scratch = Path(tempfile.mkdtemp(prefix="probe-", dir=place))
        try:
            (scratch / "empty").mkdir()
            container = self._launch(
                scratch / "empty", scratch, on_disk=on_disk, user=User(0, 0, "/"), resources=resources
            )
            try:
                yield container
            finally:
                container.close()
        finally:
            remove_tree(scratch)


def _require_devices(devices: Devices) -> None:
    if devices.nvidia:
        raise DevicesRefused(
            "the sandbox can't bring the libraries of the NVIDIA driver into a container",
            remedy="Use --media-runtime docker, with the NVIDIA container toolkit.",
        )
    for node in devices.nodes:
        if not os.access(node, os.R_OK | os.W_OK):
            raise DevicesRefused(
                f"{node} isn't there, or user {os.geteuid()} may not open it",
                remedy="Add the user to the group of the node (`sudo usermod -aG render $USER`), and log in again.",
            )


def _write_probe(container: SandboxContainer) -> None:
    with inroot.open_root(container.root) as root, Path(os.devnull).open("rb") as nothing:
        inroot.write_file(root, "/probe/file", nothing, mode=0o644)
