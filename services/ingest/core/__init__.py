"""Reading what clients send; the books. Pure."""
