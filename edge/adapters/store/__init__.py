"""What a node holds: bodies, index, hot tree, memory and room as one `Store`. Everything else asks `store.py`."""
