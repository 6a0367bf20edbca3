"""What routes, consumers and workers have in common."""
