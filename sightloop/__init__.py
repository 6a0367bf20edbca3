"""Sightloop: the production loop for computer-vision models."""

__version__ = "0.1.0"
