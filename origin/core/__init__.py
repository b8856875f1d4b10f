"""What the origin decides. Pure."""
