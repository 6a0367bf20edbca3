"""Every query of the trainer."""
