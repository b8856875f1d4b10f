"""What one viewer gets: the endpoint (`Delivery`), its answers, and the check of playback tokens."""
