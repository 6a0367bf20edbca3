"""The mathematics of the metrics service: pure functions on arrays."""
