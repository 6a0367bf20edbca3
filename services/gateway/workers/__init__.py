"""What the gateway does by itself."""
