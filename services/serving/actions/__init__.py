"""Loading models, predicting, and sending what was predicted to ingest."""
