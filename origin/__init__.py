"""The origin: API, uploads, catalogue, manifests, and the bytes that no edge holds."""
