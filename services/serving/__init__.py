"""Inference: the platform runs champion and shadow, and logs what they say to ingest."""
