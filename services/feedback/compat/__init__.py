"""The existing client's paths that feedback answers."""

from services.feedback.compat import datasets, pipeline

routers = (datasets.router, pipeline.router)
