"""The one YAML file: models, loading, and what is generated from them."""

from .load import load, parse
from .model import Config, Edge, EdgeTuning, LoadBalancer, Origin, Rung, Storage, Transcoder
from .protect import Protect
from .units import LOOPBACK, Address

__all__ = [
    "LOOPBACK", "Address", "Config", "Edge", "EdgeTuning", "LoadBalancer", "Origin", "Protect", "Rung", "Storage", "Transcoder", "load",
    "parse",
]  # fmt: skip
