"""Signals in PostgreSQL, with Redis in front of what is read often."""
