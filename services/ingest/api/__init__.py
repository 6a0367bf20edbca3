"""The routes of ingest: the monitor endpoint and the Datalake."""

from services.ingest.api import datalake, monitor

routers = (monitor.router, datalake.router)
