"""What the routes and workers of the trainer have in common."""
