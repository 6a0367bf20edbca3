"""Organisations, users, tokens; the interface; live updates; the one origin."""
