"""Object store: one port, two adapters (`file`, `s3`), chosen by the YAML."""
