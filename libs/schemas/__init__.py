"""Events, topics and the value types that services share. No I/O, nothing runs at import."""
