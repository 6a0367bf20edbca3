"""Requests that nobody wrote, to every route: `make fuzz EXAMPLES=10000`."""
