"""What an alert looks at, when it fires, and when it is over."""
