"""The routes of metrics: dashboards, and what live images are compared with."""

from services.metrics.api import alerts, backbones, exports, quality, series, training

routers = (
    series.router, quality.router, exports.router, training.router, backbones.router, alerts.router,
)  # fmt: skip
