"""What --media-init and --media-checks do instead of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING, TextIO

from .checks.measuring import measure
from .checks.planning import known_ids, look_over, plan
from .errors import StorageFault, UsageError
from .policy import parse_policy
from .policy.schema import KEYS
from .policy.starting import first_policy, with_failures
from .report.listing import listing
from .report.progress import StepLine
from .result import Result, Status
from .session import POLICY_NAME, MediaSession, Options, read_policy
from .storage import write_new

if TYPE_CHECKING:
    from .checks.planning import Planned
    from .checks.subject import Subject


def start_policy(options: Options, say: Callable[[str], None], terminal: TextIO | None = None) -> str:
    """Write a first policy from the images at hand, for --media-init; what to tell the user of it.

    `say` is told at the start what it does; on `terminal` it shows how far it is.
    Raises UsageError where there is a policy already or no image is named, and what opening and reading images raise.
    """
    if not options.images:
        raise UsageError("--media-init writes a policy from an image", remedy="Pass --media-image REF.")
    path = options.policy or options.directory / POLICY_NAME
    for there in [path] if options.policy else [options.root / POLICY_NAME, path]:
        if there.exists():
            raise UsageError(
                f"{there} exists, and --media-init overwrites nothing",
                remedy="Remove it, or name another file with --media-policy FILE.",
            )
    opened = MediaSession.open(replace(options, policy=None, update_known=False))
    try:
        say(f"media image: {', '.join(options.images)}: measured, then checked once, to say what fails today.")
        say("It takes as long as a run" + ("." if options.static else "; with --media-static nothing is started."))
        opened.read_layers(opened.subjects, terminal)
        text = first_policy(measure(opened.subjects), KEYS)
        own = look_over(options.registered)
        opened.policy = parse_policy(text, path, known_checks=known_ids(own))
        opened.planned = plan(opened.policy, own)
        results = list(_results(opened, terminal))
    finally:
        opened.close()
    failures = {(r.check, f.message.partition("\n")[0]): None for r in results for f in r.errors()}
    try:
        write_new(path, with_failures(text, list(failures)).encode())
    except StorageFault as fault:
        raise StorageFault(fault.message, remedy="Pass --media-policy FILE that can be written.") from fault
    told = [f"{path} written; `pytest --media-image {options.images[0]}` holds the image to it"]
    if failures:
        those = "1 finding fails" if len(failures) == 1 else f"{len(failures)} findings fail"
        told.append(f"{those} today, noted at its end. --media-update-known tolerates what fails:")
        told += [f"  {check}: {message}" for check, message in failures]
    told += [f"not judged: {r.check}: {r.reason}" for r in results if r.status is Status.ERROR]
    return "\n".join(told)


def _results(opened: MediaSession, terminal: TextIO | None) -> Iterator[Result]:
    """Those of every check, encodes begun ahead as in a run."""
    orders = [(planned, subject) for subject in opened.subjects for planned in opened.planned]
    with StepLine(terminal, len(orders)) as line:
        for index, (planned, subject) in enumerate(orders):
            line.show(index + 1, f"{planned.check.id}{f' [{planned.hardware_path}]' if planned.hardware_path else ''}")
            _begin(opened, orders[index:])
            yield opened.run(planned, subject)


def _begin(opened: MediaSession, orders: Sequence[tuple[Planned, Subject]]) -> None:
    """Begin what may run beside the first of the orders; alone it is where nothing may."""
    if orders[0][0].check.ahead is None:
        opened.run_alone()
    elif opened.depth:
        may = takewhile(lambda order: order[0].check.ahead is not None, orders[1:])
        opened.run_ahead(orders[0], islice(may, opened.depth))


def list_checks(options: Options) -> str:
    """What --media-checks prints. Raises UsageError."""
    own = look_over(options.registered)
    policy, _ = read_policy(options, own)
    return listing([planned.check for planned in plan(policy, own)], policy)
