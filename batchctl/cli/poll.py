"""`batchctl poll`."""

from batchctl.cli.options import Deadline, Json
from batchctl.cli.stage import run_stage


def poll(*, deadline: Deadline = None, json: Json = False) -> None:
    """Ask the provider about tasks that are due."""
    from batchctl.service.poll import poll as stage

    run_stage("poll", stage, deadline_s=deadline, as_json=json)
