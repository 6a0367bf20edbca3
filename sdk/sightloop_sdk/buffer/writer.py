"""From the queue in memory to the spool on disk, within its bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sightloop_sdk.buffer.books import LEFT_OUT, Books
from sightloop_sdk.buffer.spool import Spool, packed, packed_size
from sightloop_sdk.record import Finished, Prepared

_FOR_PICTURES = 0.9
_AT_ONCE = 2**20


def write(
    some: Sequence[Prepared],
    spool: Spool,
    books: Books,
    *,
    held: Callable[[], int],
    most: int,
    sync: bool,
) -> int:
    """Append predictions to the spool; returns how many are there.

    `held`: bytes on disk now. `most`: the bound; beyond nine tenths of it pictures are left out,
    since numbers need the prediction and can do without the picture. `sync`: see `Spool.append`.
    """
    records: list[bytes] = []
    waiting: list[Finished] = []
    size, there = held(), 0
    pending = 0

    def flush() -> int:
        nonlocal pending
        done = _append(records, waiting, spool, books, sync=sync)
        records.clear()
        waiting.clear()
        pending = 0
        return done

    for prepared in some:
        finished = _finished(prepared, books)
        if finished is None:
            continue
        if finished.picture and size + packed_size(finished) > most * _FOR_PICTURES:
            why = f"the spool holds {size} bytes of at most {most}"
            books.lose(LEFT_OUT, why, finished.id, adopted=False)
            finished = Finished(finished.id, finished.document, None)
        needed = packed_size(finished)
        if size + needed > most:
            why = f"the spool holds {size} bytes of at most {most}; the server is away too long"
            books.lose("disk bound", why, finished.id, adopted=False)
            continue
        records.append(packed(finished))
        waiting.append(finished)
        size += needed
        pending += needed
        if pending >= _AT_ONCE:
            there += flush()
    return there + flush()


def _finished(prepared: Prepared, books: Books) -> Finished | None:
    try:
        return prepared.finished()
    except Exception as error:  # noqa: BLE001  # whatever an encoder raises: counted and told
        books.lose("picture", str(error), prepared.id, adopted=False)
        return None


def _append(
    records: Sequence[bytes],
    waiting: Sequence[Finished],
    spool: Spool,
    books: Books,
    *,
    sync: bool,
) -> int:
    if not records:
        return 0
    try:
        spool.append(records, sync=sync)
    except OSError as error:
        for finished in waiting:
            books.lose("disk", str(error), finished.id, adopted=False)
        return 0
    return len(records)
