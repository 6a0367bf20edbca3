"""Pure: the verdict's mathematics, and what fits what."""
