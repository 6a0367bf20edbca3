"""What feedback decides and computes: no I/O, no clock."""
