"""The FFmpeg builds of an image, each with all of its files, and its licence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...ffmpeg import FFmpegIdentity, combine
from ...ffmpeg.components import Component, combine_components, configured_components
from ...ffmpeg.license import Conflict, License, read_license, told
from ...result import Finding
from ..context import Context
from ..subject import FoundFFmpeg


@dataclass(frozen=True)
class ImageBuild:
    """One build: a shared one has a dozen files, and one word about it is enough."""

    files: tuple[FoundFFmpeg, ...]
    identity: FFmpegIdentity
    components: tuple[Component, ...]
    license: License

    @property
    def visible(self) -> bool:
        return any(found.visible for found in self.files)

    def holder(self, components: Sequence[Component]) -> FoundFFmpeg:
        """The file that the first of these was read in; the first file with a licence text where that says nothing."""
        for component in components[:1]:
            for found in self.files:
                if any(one.id == component.id and one.linkage == component.linkage for one in components_of(found)):
                    return found
        return next((found for found in self.files if found.identity.licenses), self.files[0])

    def told(self) -> str:
        """The libraries that decide its licence, each with the file that its byte offset is of."""
        several = len(self.files) > 1
        return ", ".join(
            told(one) + (f" in {self.holder([one]).path}" if several else "") for one in self.license.components
        )

    def conflicts(self) -> list[tuple[FoundFFmpeg, Conflict]]:
        """Each with the file that its byte offsets are of."""
        placed = []
        for conflict in self.license.conflicts:
            found = self.holder(conflict.components)
            if len(self.files) > 1:  # said once more with the offsets in that file
                known = replace(self.identity, offsets=_offsets(self.identity, found.identity))
                again = read_license(known, self.components).conflicts
                conflict = next((one for one in again if one.code == conflict.code), conflict)
                conflict = conflict._replace(message=conflict.message + self._elsewhere(conflict, found))
            placed.append((found, conflict))
        return placed

    def _elsewhere(self, conflict: Conflict, holder: FoundFFmpeg) -> str:
        places = {one.name: self.holder([one]).path for one in conflict.components}
        others = [f"{name} in {path}" for name, path in places.items() if path != holder.path]
        return f" (read: {', '.join(others)})" if others else ""

    def finding(self, context: Context, message: str, *, at: FoundFFmpeg | None = None, **fields: Any) -> Finding:
        """A finding on this build, blamed on one of its files."""
        found = at or self.files[0]
        more = f" and {len(self.files) - 1} more files of this build" if len(self.files) > 1 else ""
        gone = "" if self.visible else " (replaced or deleted by a later layer, but shipped)"
        return context.finding(f"{found.path}{more}: {message}{gone}", layer=found.layer, file=found.path, **fields)


def image_builds(ffmpeg_files: Iterable[FoundFFmpeg]) -> list[ImageBuild]:
    """Files with one configure line are one build."""
    groups: dict[str | None, list[FoundFFmpeg]] = {}
    for found in ffmpeg_files:
        groups.setdefault(found.identity.configuration, []).append(found)
    builds = []
    for files in groups.values():
        components = combine_components([components_of(found) for found in files])
        identity = files[0].identity if len(files) == 1 else combine([found.identity for found in files])
        builds.append(ImageBuild(tuple(files), identity, components, read_license(identity, components)))
    return builds


def components_of(found: FoundFFmpeg) -> tuple[Component, ...]:
    """A damaged file's configure line still tells what it was built with."""
    return found.build.components or configured_components(found.identity)


def _offsets(whole: FFmpegIdentity, part: FFmpegIdentity) -> dict[str, int]:
    """The offsets of one file's texts that the whole build's identity shows."""
    same = {f"license:{name}" for name, text in part.licenses.items() if whole.licenses.get(name) == text}
    if part.configuration == whole.configuration:
        same.add("configuration")
    return {name: at for name, at in part.offsets.items() if name in same}
