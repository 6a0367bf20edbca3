"""What every service's database needs now and then."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import delete

from libs.store.faults import is_transient
from libs.store.session import Database
from libs.store.tables import inbox

# Longer than any record is told twice: a relay repeats after seconds, a consumer after hours.
_REMEMBERED = timedelta(days=7)
_SECONDS = 3600.0
log = structlog.get_logger()


async def keep_up(database: Database) -> None:
    """Forget what the inbox need not remember, once an hour."""
    while True:
        await asyncio.sleep(_SECONDS)
        try:
            async with database.begin() as tx:
                oldest = tx.clock.now() - _REMEMBERED
                await tx.execute(delete(inbox).where(inbox.c.received < oldest))
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("inbox not pruned, will be", error=str(error))
