"""Every query of the metrics service."""
