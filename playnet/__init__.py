"""What every PlayNet service shares. Imports no service (`make lint` proves it)."""

__version__ = "0.1.0"
