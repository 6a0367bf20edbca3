"""What serving keeps on disk: model files, and the log entries that wait for ingest."""
