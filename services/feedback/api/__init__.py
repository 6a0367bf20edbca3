"""The routes of feedback: datasets, what goes in and out of them, and deployments' pipelines."""

from services.feedback.api import assets, changes, contents, datasets, making, pipeline

routers = (
    datasets.router,
    assets.router,
    changes.router,
    making.router,
    contents.router,
    pipeline.router,
)
