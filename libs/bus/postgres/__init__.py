"""The embedded bus: an append-only log in a PostgreSQL database of its own."""

from libs.bus.postgres.bus import PostgresBus, open_postgres

__all__ = ["PostgresBus", "open_postgres"]
