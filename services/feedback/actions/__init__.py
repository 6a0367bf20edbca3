"""What routes and workers of feedback have in common."""
