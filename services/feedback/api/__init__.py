"""The routes of feedback: datasets, what goes in and out of them, and deployments' pipelines."""

from services.feedback.api import contents, datasets, pipeline

routers = (datasets.router, contents.router, pipeline.router)
