"""The existing client's paths that ingest answers."""

from services.ingest.compat import blobs, importing, lake, names, oracle, storage, tags

routers = (
    oracle.one, oracle.router, names.router, tags.router, storage.router, lake.router,
    importing.router, blobs.router,
)  # fmt: skip
