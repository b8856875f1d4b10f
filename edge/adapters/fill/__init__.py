"""How bodies come in: one exchange per key for all who wait (`Fills`), large objects in slices (`Slices`)."""
