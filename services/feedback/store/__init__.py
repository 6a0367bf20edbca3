"""Every query of the feedback service."""
