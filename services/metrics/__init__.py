"""Live series, references, drift, supervised metrics and alerts."""
