"""The routes of ingest: the monitor endpoint, the books and the Datalake."""

from services.ingest.api import books, datalake, monitor, registering, tagging
from services.ingest.api.monitor_front import MonitorFront

__all__ = ["MonitorFront", "routers"]

# The names under /data come before /data/{data}.
routers = (monitor.router, books.router, tagging.router, datalake.router, registering.router)
