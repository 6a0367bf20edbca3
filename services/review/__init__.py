"""Predicted assets: browse, review, draw, submit, delete."""
