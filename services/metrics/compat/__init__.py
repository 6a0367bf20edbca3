"""The existing client's paths that metrics answers."""

from services.metrics.compat import reference, stats

routers = (stats.router, reference.router)
