"""`batchctl settle`."""

from batchctl.cli.options import Json
from batchctl.cli.stage import run_stage


def settle(*, json: Json = False) -> None:
    """Settle finished batches: charge what succeeded, give back the rest."""
    from batchctl.service.settle import settle as stage

    run_stage("settle", lambda world, _: stage(world), deadline_s=None, as_json=json)
