"""The existing client's paths that ingest answers."""

from services.ingest.compat import oracle

routers = (oracle.one, oracle.router)
