"""Inference, pure: a model's bytes and a picture in, a prediction out."""
