"""The existing client's paths that feedback answers."""

from services.feedback.compat import annotations, contents, datasets, labels, pipeline

routers = (
    datasets.router, labels.router, contents.router, annotations.router, pipeline.router,
)  # fmt: skip
