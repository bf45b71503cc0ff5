"""The plugin: options, and the hooks that bring the checks into a pytest run.

Nothing is imported here that an idle pytest would have to pay for.
"""

from __future__ import annotations

import pytest

from .fixtures import (
    golden,
    media_baseline,
    media_container,
    media_image,
    media_sbom,
    media_subject,
    sample_media,
    transcode,
)

__all__ = [
    "golden",
    "media_baseline",
    "media_container",
    "media_image",
    "media_sbom",
    "media_subject",
    "sample_media",
    "transcode",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("media image", "media image: test a container image of a media workload")
    group.addoption(
        "--media-image",
        metavar="REF",
        action="append",
        default=[],
        help="image under test, repeatable: NAME[:TAG][@DIGEST] in a Docker Engine, in Podman or in a registry; one of "
        "them named: docker:NAME, podman:NAME, registry:NAME; oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, a "
        "path to any of these; or demo for the bundled demo image",
    )
    group.addoption(
        "--media-platform",
        metavar="OS/ARCH[/VARIANT]",
        action="append",
        default=[],
        help="platform to test, repeatable; all for every platform of the image (default: the host's)",
    )
    group.addoption(
        "--media-policy",
        metavar="FILE",
        help="what is asked of the image (default: mediaimage.yaml in the root directory, else the preset default)",
    )
    group.addoption(
        "--media-runtime",
        metavar="NAME",
        default="auto",
        choices=("auto", "docker", "sandbox"),
        help="how the image is run: docker, sandbox (bubblewrap; no daemon, no privileges), or auto (default)",
    )
    group.addoption(
        "--media-baseline",
        metavar="REF",
        help="the previous release, named as an image is, to compare with: growth, bytes to pull again, layer order",
    )
    group.addoption(
        "--media-hardware",
        metavar="NAMES",
        default="",
        help="hardware paths that must be there, such as nvenc,vaapi: they fail where this machine has no such device "
        "(default: what isn't there skips)",
    )
    group.addoption(
        "--media-static", action="store_true", help="start nothing: only what can be read from the image is checked"
    )
    group.addoption(
        "--media-update-golden",
        action="store_true",
        help="write golden values to golden/ beside the policy, after showing what changes",
    )
    group.addoption(
        "--media-known",
        metavar="FILE",
        help="known findings: only new ones fail (default: mediaimage-known.yaml in the root directory, where it is)",
    )
    group.addoption(
        "--media-update-known",
        action="store_true",
        help="write what fails now to the known findings, and take out what is mended",
    )
    group.addoption(
        "--media-init", action="store_true", help="write a first mediaimage.yaml from the image at hand, and stop"
    )
    group.addoption(
        "--media-report",
        metavar="FORMAT:PATH",
        action="append",
        default=[],
        help="write a report, repeatable; formats: json, markdown, sarif, cyclonedx (an SBOM), cyclonedx-1.7",
    )
    group.addoption(
        "--media-vulnerabilities",
        metavar="FILE",
        help="a report of grype or trivy in JSON, of the image under test, to judge (default: the one of them that is "
        "installed is run)",
    )
    group.addoption(
        "--media-keep",
        metavar="DIR",
        help="keep what failed transcodes made there, with their commands and logs, to look at (500 MB at most)",
    )
    group.addoption("--media-checks", action="store_true", help="list the checks with their severities, and stop")
    group.addoption(
        "--media-cache",
        metavar="DIR",
        help="where unpacked images and what was learnt of layers are kept "
        "(default: $XDG_CACHE_HOME/pytest-mediaimage; removing it clears the cache)",
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if config.getoption("media_checks"):
        from .run import print_checks

        return print_checks(config)
    if config.getoption("media_init"):
        from .run import write_first_policy

        return write_first_policy(config)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The rest of the plugin exists only where an image is given."""
    config = session.config
    if config.getoption("media_image"):
        from .run import Run

        config.pluginmanager.register(Run.start(config), "mediaimage-run")
        return
    # What stands in the ini file or in PYTEST_ADDOPTS is for the runs that have an image.
    for arg in config.invocation_params.args:
        option = arg.partition("=")[0]
        if option.startswith("--media-") and option != "--media-cache" and not hasattr(config, "workerinput"):
            raise pytest.UsageError(f"media image: {option} is given, but no image to test. Pass --media-image REF.")
