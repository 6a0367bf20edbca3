"""What the trainer does by itself: it runs experiments, and settles those left behind."""
