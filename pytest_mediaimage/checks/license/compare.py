"""What an image's FFmpeg has more or less than the previous release's: libraries, licences, codecs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...ffmpeg.components import Component, Demand
from ...ffmpeg.license import exceeds, strictest, told
from ...result import Finding, Severity
from ..context import Context
from .builds import ImageBuild, image_builds

_NAMED = 20
_TABLES = ("encoders", "decoders", "filters", "muxers", "demuxers", "protocols")
_FIX = "Say so in the release notes; where it wasn't meant, compare the configure lines of both builds."


def library_changes(context: Context, builds: Sequence[ImageBuild]) -> Iterator[Finding]:
    """Libraries and licences gained and lost since --media-baseline: notes, and a warning for what is stricter."""
    previous = context.subject.previous
    old = [build for build in image_builds(previous.ffmpeg_files) if build.visible] if previous else []
    new = [build for build in builds if build.visible]
    if not old or not new or previous is None:
        return
    name = previous.label
    was, now = _libraries(old), _libraries(new)
    gained = [now[id] for id in sorted(now.keys() - was.keys())]
    nonfree = [one for one in gained if _is_nonfree(one)]
    if nonfree:
        yield _change(
            context,
            new,
            f"gained since {name}, nonfree or incompatible with the GPL: {_list([told(one) for one in nonfree])}",
            f"gained nonfree: {', '.join(one.name for one in nonfree)}",
            Severity.WARNING,
        )
    if others := [one for one in gained if one not in nonfree]:
        words = _list([told(one) for one in others])
        names = ", ".join(one.name for one in others)
        yield _change(context, new, f"libraries gained since {name}: {words}", f"gained: {names}")
    if lost := [was[id] for id in sorted(was.keys() - now.keys())]:
        words = ", ".join(one.name for one in lost)
        yield _change(
            context, new, f"libraries lost since {name}: {_list([told(one) for one in lost])}", f"lost: {words}"
        )
    if changed := [
        f"{now[id].name} {was[id].version} is {now[id].version} now"
        for id in sorted(was.keys() & now.keys())
        if was[id].version and now[id].version and was[id].version != now[id].version
    ]:
        yield _change(context, new, f"libraries changed since {name}: {_list(changed)}", "changed versions")
    yield from _licenses(context, name, old, new)


def codec_changes(context: Context) -> Iterator[Finding]:
    """Encoders, decoders and other parts gained and lost since --media-baseline: notes.

    Only of tables that could be read in both.
    """
    previous = context.subject.previous
    if previous is None:
        return
    old = [build for build in image_builds(previous.ffmpeg_files) if build.visible]
    new = [build for build in image_builds(context.subject.ffmpeg_files) if build.visible]
    for table in _TABLES if old and new else ():
        was, now = _names(old, table), _names(new, table)
        if was is None or now is None:
            continue
        for word, names in (("gained", sorted(now - was)), ("lost", sorted(was - now))):
            if names:
                message = f"{table} {word} since {previous.label}: {_list(names)}"
                yield _change(context, new, message, f"{table} {word}: {', '.join(names)}")


def _licenses(context: Context, name: str, old: Sequence[ImageBuild], new: Sequence[ImageBuild]) -> Iterator[Finding]:
    was = strictest(build.license.concluded for build in old)
    now = strictest(build.license.concluded for build in new)
    if was is None or now is None or was == now:
        return
    because = ", ".join(filter(None, (build.told() for build in new if build.license.concluded == now)))
    words = f": {because}" if because and exceeds(now, was) else ""
    yield _change(
        context,
        new,
        f"FFmpeg's concluded licence was {was} in {name}, and is {now}{words}",
        f"licence {was} became {now}",
        Severity.WARNING if exceeds(now, was) else Severity.NOTE,
    )


def _change(
    context: Context, builds: Sequence[ImageBuild], message: str, evidence: str, severity: Severity = Severity.NOTE
) -> Finding:
    return builds[0].finding(context, message, evidence=evidence, severity=severity, fix=_FIX)


def _libraries(builds: Sequence[ImageBuild]) -> Mapping[str, Component]:
    return {one.id: one for build in reversed(builds) for one in build.components}


def _is_nonfree(component: Component) -> bool:
    return component.demand in (Demand.NONFREE, Demand.NOT_GPL)


def _names(builds: Sequence[ImageBuild], table: str) -> set[str] | None:
    """What all builds list; None where none of them could be read."""
    known = [names for build in builds for found in build.files if (names := getattr(found.build, table)) is not None]
    return {name for names in known for name in names} if known else None


def _list(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
