"""What the origin answers, by noun. Routes read requests and write responses; adapters do the work."""
