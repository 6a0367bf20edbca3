"""Live updates: who listens, and what he missed. Pure."""
