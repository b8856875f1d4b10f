"""What one cache node decides. Pure: no I/O, no clock of its own."""
