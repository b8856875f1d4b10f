"""What viewers leave behind: views, watch time, resume, most replayed. Pure."""
