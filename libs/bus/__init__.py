"""The message bus: two thin drivers, one runner, an outbox relay and tables."""
