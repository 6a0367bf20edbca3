"""Logs, traces and metrics, declared once with a sentence each."""
