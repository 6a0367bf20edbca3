"""The hub of the embedded log registers its process anew, while consumers leave."""

import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from libs.bus.postgres import membership
from libs.bus.postgres.hub import Hub
from libs.bus.sharing import Member


class Connection:
    """A session that does nothing."""

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


async def test_a_member_that_leaves_while_its_process_registers_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub(cast("Any", None), cast("Any", None))
    members = [Member(uuid4(), f"group {n}", ()) for n in range(3)]
    for member in members:
        hub._sources[member.id] = cast("Any", SimpleNamespace(member=member))
    joined = []

    async def nothing(*_: Any, **__: Any) -> None:
        return

    async def join(_connection: Any, _process: Any, member: Member, **_: Any) -> None:
        joined.append(member)
        hub._sources.pop(members[1].id, None)

    for name in ("lock", "register", "announce"):
        monkeypatch.setattr(membership, name, nothing)
    monkeypatch.setattr(membership, "join", join)
    await hub._register(cast("Any", Connection()))
    assert joined == [members[0], members[2]]
