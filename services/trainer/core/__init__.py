"""What to train on, and how the trainer and its training process talk."""
