"""Pure geometry, matching, average precision and safe image decoding. No I/O, no settings."""
