"""`batchctl dispatch`."""

from batchctl.cli.options import Deadline, Json
from batchctl.cli.stage import run_stage


def dispatch(*, deadline: Deadline = None, json: Json = False) -> None:
    """Claim queued batches, freeze their credits, and send tasks to the provider."""
    from batchctl.service.dispatch import dispatch as stage

    run_stage("dispatch", stage, deadline_s=deadline, as_json=json)
