"""How a process runs: services, supervisor, settings."""
