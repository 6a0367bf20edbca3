"""Objects that are too large for a row or an event: pictures, model files, archives."""
