"""Purging: what an order says (pure), and the ordered log that carries orders to every edge (Redis)."""
