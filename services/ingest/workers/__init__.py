"""What ingest does by itself."""

from services.ingest.workers.audit import audit_books
from services.ingest.workers.till import keep_books

__all__ = ["audit_books", "keep_books"]
