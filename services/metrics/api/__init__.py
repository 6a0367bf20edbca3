"""The routes of metrics: dashboards, and what live images are compared with."""

from services.metrics.api import series, training

routers = (series.router, training.router)
