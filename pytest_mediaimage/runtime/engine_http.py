"""The few requests to a Docker engine that clean up after a dead run.

Of the standard library alone: the watchdog and the reaper work without docker-py.
"""

from __future__ import annotations

from ..engine.http import EngineHttp

LABEL = "io.github.pytest-mediaimage.run"
"""Every container of a run carries this label; its value is the run's id."""
IMAGES = "pytest-mediaimage-run"
"""An image that a run loaded is tagged `pytest-mediaimage-run/RUN:...`, and kept alive by that tag alone."""


def remove_run(engine: EngineHttp, run_id: str) -> list[str]:
    """Remove the containers and the loaded images of a run; returns a line for each."""
    removed = []
    for container in engine.request("GET", "/containers/json", all=1, filters={"label": [f"{LABEL}={run_id}"]}) or []:
        engine.request("DELETE", f"/containers/{container['Id']}", force=1, v=1)
        removed.append(f"removed container {container['Id'][:12]} of run {run_id}")
    for image in engine.request("GET", "/images/json", filters={"reference": [f"{IMAGES}/{run_id}"]}) or []:
        for tag in image.get("RepoTags") or []:
            if tag.startswith(f"{IMAGES}/{run_id}:"):
                engine.request("DELETE", f"/images/{tag}")
                removed.append(f"removed image {tag}")
    return removed
