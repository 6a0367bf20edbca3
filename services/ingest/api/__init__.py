"""The routes of ingest: the monitor endpoint, the books and the Datalake."""

from services.ingest.api import books, datalake, monitor
from services.ingest.api.monitor_front import MonitorFront

__all__ = ["MonitorFront", "routers"]

routers = (monitor.router, books.router, datalake.router)
