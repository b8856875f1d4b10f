"""Real nginx for tests: started on a configuration, waited for, drained, gone with the test process."""

import http.client
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playnet.nginx import Instance
from tests.servers import wait_for

_SETPRIV = ("setpriv", "--pdeathsig", "KILL")


def status(port: int, path: str = "/") -> int | None:
    """What a GET is answered with; None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


@contextmanager
def running(instance: Instance, port: int, path: str = "/") -> Iterator["subprocess.Popen[bytes]"]:
    """The installed configuration in the foreground, once `path` answers on `port`; its messages go to FOLDER.log."""
    log = log_of(instance)
    with log.open("wb") as sink, subprocess.Popen([*_SETPRIV, *instance.argv], stdout=sink, stderr=sink) as child:
        try:
            wait_for(lambda: status(port, path) is not None, child, log)
            yield child
        finally:
            child.terminate()
            child.wait(10)


def log_of(instance: Instance) -> Path:
    """Where `running` puts what nginx says."""
    return instance.folder.with_suffix(".log")
