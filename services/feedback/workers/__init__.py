"""What feedback does by itself: loops and jobs."""
