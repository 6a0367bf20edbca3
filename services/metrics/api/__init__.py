"""The routes of metrics: dashboards, and what live images are compared with."""

from services.metrics.api import quality, series, training

routers = (series.router, quality.router, training.router)
