"""What --media-init and --media-checks do instead of a run."""

from __future__ import annotations

from dataclasses import replace

from .checks.measuring import measure
from .checks.planning import known_ids, look_over, plan
from .errors import StorageFault, UsageError
from .policy import parse_policy
from .policy.schema import KEYS
from .policy.starting import first_policy, with_failures
from .report.listing import listing
from .result import Status
from .session import POLICY_NAME, MediaSession, Options, read_policy
from .storage import write_new


def start_policy(options: Options) -> str:
    """Write a first policy from the images at hand, for --media-init; what to tell the user of it.

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
        text = first_policy(measure(opened.subjects), KEYS)
        own = look_over(options.registered)
        opened.policy = parse_policy(text, path, known_checks=known_ids(own))
        opened.planned = plan(opened.policy, own)
        results = [opened.run(planned, subject) for subject in opened.subjects for planned in opened.planned]
    finally:
        opened.close()
    failures = {(r.check, f.message.partition("\n")[0]): None for r in results for f in r.errors()}
    try:
        write_new(path, with_failures(text, list(failures)).encode())
    except StorageFault as fault:
        raise StorageFault(fault.message, remedy="Pass --media-policy FILE that can be written.") from fault
    told = [f"{path} written; `pytest --media-image {options.images[0]}` holds the image to it"]
    if failures:
        told.append(f"{len(failures)} findings fail today; they stand at its end. --media-update-known tolerates them:")
        told += [f"  {check}: {message}" for check, message in failures]
    told += [f"not judged: {r.check}: {r.reason}" for r in results if r.status is Status.ERROR]
    return "\n".join(told)


def list_checks(options: Options) -> str:
    """What --media-checks prints. Raises UsageError."""
    own = look_over(options.registered)
    policy, _ = read_policy(options, own)
    return listing([planned.check for planned in plan(policy, own)], policy)
