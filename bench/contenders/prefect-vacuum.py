"""Prefect's own vacuum functions, one cycle of each in the order of 3.8.8. Prints one line of JSON."""

import asyncio
import json
import time

from prefect.server.database import provide_database_interface
from prefect.server.services import db_vacuum
from sqlalchemy import Engine, event

PASSES = (
    "vacuum_old_flow_runs",
    "vacuum_events_with_retention_overrides",
    "vacuum_old_events",
    "vacuum_orphaned_logs",
    "vacuum_orphaned_artifacts",
    "vacuum_stale_artifact_collections",
)

longest = 0.0
began = {}


@event.listens_for(Engine, "begin")
def on_begin(connection):
    began[id(connection)] = time.perf_counter()


@event.listens_for(Engine, "commit")
def on_commit(connection):
    """Called before the commit is sent: what that takes is not counted, in favour of this contender."""
    global longest
    longest = max(longest, time.perf_counter() - began[id(connection)])


async def main() -> None:
    db = provide_database_interface()
    seconds = {}
    for name in PASSES:
        start = time.perf_counter()
        await getattr(db_vacuum, name)(db=db)
        seconds[name] = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "longestMillis": longest * 1000}))


asyncio.run(main())
