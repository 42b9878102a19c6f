"""The end of an adoption: once the original worker is gone, its database gets the guards of one of our own."""

from datetime import datetime

from batchctl.db import Database
from batchctl.domain.adoption import Adoption, AdoptionReport
from batchctl.domain.clock import Sleep
from batchctl.service.migrate import Script, alone, named, run_script
from batchctl.statement import Conn, sql_dir
from batchctl.store import adoption, clock, doctor


def look(db: Database) -> AdoptionReport | None:
    """Say how an adopted database stands; None for one of our own."""
    state = db.ask(adoption.state)
    if state is None:
        return None
    leftovers = db.ask(adoption.count_leftovers) if state.applied_at is None else {}
    return AdoptionReport(state=state, leftovers=leftovers, exempt={})


def apply(db: Database, sleep: Sleep) -> AdoptionReport | None:
    """Turn the guards' warnings into refusals, add a fresh database's constraints, close the original's functions.

    To be run when the original worker has been stopped for good: afterwards its writes by id, which could undo what
    batchctl decided, fail. On a database of our own, or the second time, it only says how things stand; when it broke
    off it goes on. Raises what `migrate` raises.
    """
    with alone(db, sleep):
        state = db.ask(adoption.state)
        if state is None or state.applied_at is not None:
            return look(db)
        leftovers = db.ask(adoption.count_leftovers)
        doubles = db.ask(adoption.count_doubles)
        was_open = _open_functions(db)
        run_script(db, _script("indexes/polls"))
        run_script(db, _script(f"indexes/{'new_' if 'video_tasks_remote_id' in doubles else ''}remote_ids"))
        run_script(db, _script("rights/functions"))
        now = db.ask(clock.now)
        with named("adoption/constrain"):
            broken = db.transact(lambda tx: _constrain(tx, now))
        still_open = _open_functions(db)
    return AdoptionReport(
        state=Adoption(adopted_at=state.adopted_at, applied_at=now),
        leftovers=leftovers,
        exempt={**doubles, **broken},
        closed=tuple(one for one in was_open if one not in still_open),
    )


def _open_functions(db: Database) -> list[str]:
    return [one.function_name for one in db.ask(doctor.open_functions) if one.is_original]


def _constrain(tx: Conn, now: datetime) -> dict[str, int]:
    broken = adoption.constrain(tx)
    adoption.apply(tx, now=now)
    return broken


def _script(name: str) -> Script:
    path = sql_dir() / "adoption" / f"{name}.sql"
    return Script(name=f"adoption/{path.stem}", text=path.read_bytes())
