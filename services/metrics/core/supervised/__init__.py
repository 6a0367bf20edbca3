"""Numbers that need a human review beside the prediction."""
