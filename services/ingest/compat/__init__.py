"""The existing client's paths that ingest answers."""

from services.ingest.compat import blobs, lake, names, oracle, storage

routers = (
    oracle.one, oracle.router, names.router, storage.router, lake.router, blobs.router,
)  # fmt: skip
