"""Columns of a prediction, checks of a review, the lottery, list orders. Pure."""
