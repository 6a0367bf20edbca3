"""The routes of ingest: the monitor endpoint, the books and the Datalake."""

from services.ingest.api import books, datalake, monitor

routers = (monitor.router, books.router, datalake.router)
