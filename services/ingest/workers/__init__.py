"""What ingest does by itself."""

from services.ingest.workers.audit import audit_books
from services.ingest.workers.erasing import erase_pictures
from services.ingest.workers.registering import register_place
from services.ingest.workers.till import keep_books
from services.ingest.workers.uploads import clear_uploads

__all__ = ["audit_books", "clear_uploads", "erase_pictures", "keep_books", "register_place"]
