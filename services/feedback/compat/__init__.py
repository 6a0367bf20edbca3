"""The existing client's paths that feedback answers."""

from services.feedback.compat import annotations, contents, datasets, labels, pipeline, tags

routers = (
    datasets.router, labels.router, contents.router, annotations.router, pipeline.router,
    tags.router,
)  # fmt: skip
