"""Real parts on a developer's machine and in tests: found, fetched, started, stopped."""
