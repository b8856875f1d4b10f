"""nginx as the front and every edge run it: one binary of the host, one private folder per instance."""

from .binary import Binary, find_nginx
from .instance import Instance, host_process
from .orphans import end_orphans
from .text import Process, main_block, quoted, temp_paths

__all__ = [
    "Binary", "Instance", "Process", "end_orphans", "find_nginx", "host_process", "main_block", "quoted", "temp_paths",
]  # fmt: skip
