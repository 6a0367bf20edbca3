"""Accepting a prediction: check, keep the picture, publish, answer."""

from services.ingest.actions.checking import Checked, check, deployment_of
from services.ingest.actions.pictures import keep_picture, picture_key
from services.ingest.actions.publishing import hand, offer, publish

__all__ = [
    "Checked",
    "check",
    "deployment_of",
    "hand",
    "keep_picture",
    "offer",
    "picture_key",
    "publish",
]
