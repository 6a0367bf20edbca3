"""The routes of feedback: datasets, what goes in and out of them, and deployments' pipelines."""

from services.feedback.api import archives, assets, changes, contents, datasets, making, pipeline

routers = (
    datasets.router,
    assets.router,
    changes.router,
    making.router,
    # COCO's own routes come before those of any other layout.
    contents.router,
    archives.router,
    pipeline.router,
)
