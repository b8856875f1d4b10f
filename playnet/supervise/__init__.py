"""Processes and their lives: the appliance's on one box, and the small families of an edge (brain and nginx) and the front.

`Child` describes one, `Supervisor` keeps a set of them. Everything that a child needs to know stands in its argv.
"""

from .child import Child, Snapshot, State
from .ready import CommandReady, HttpReady, Ready, SocketReady, probe, remark
from .supervisor import Supervisor

__all__ = [
    "Child",
    "CommandReady",
    "HttpReady",
    "Ready",
    "Snapshot",
    "SocketReady",
    "State",
    "Supervisor",
    "probe",
    "remark",
]
