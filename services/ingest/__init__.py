"""The monitor endpoint and the Datalake."""
