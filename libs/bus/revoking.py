"""Telling a consumer that partitions go to another member: the same bound for every driver."""

import asyncio

import structlog

from libs.bus.driver import OnRevoked, Partition

REBALANCE_SECONDS = 15.0

_log = structlog.get_logger(__name__)


async def tell_revoked(
    on_revoked: OnRevoked, partitions: frozenset[Partition], *, group: str
) -> None:
    """Let the consumer finish what it has in hand, but no longer than the group waits for it.

    What is not finished is repeated by the next owner; a commit that comes after is rejected.
    """
    try:
        async with asyncio.timeout(REBALANCE_SECONDS):
            await on_revoked(partitions)
    except Exception:  # noqa: BLE001 - the next owner must not wait; commits are fenced
        _log.exception("bus.revocation_failed", group=group)
