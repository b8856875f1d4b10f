"""The edge node beside the caches that others publish, all in the same run."""
