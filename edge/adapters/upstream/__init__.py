"""Whom a node asks: other nodes and origins (`Upstream`), over pooled connections."""
