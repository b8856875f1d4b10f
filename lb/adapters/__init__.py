"""What the front touches: its access log on disk."""
