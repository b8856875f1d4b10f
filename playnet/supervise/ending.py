"""Ending an appliance from outside: its supervisor is asked, and everything of it is waited for."""

import os
import select
import signal
import time
from contextlib import ExitStack

from playnet.errors import StartupFailed
from playnet.layout import Layout

from . import premises
from .lock import Lock, Owner, is_held, owner_of

_LONGEST_END_S = 240.0  # every grace in a row, and some
_LAST_BREATH_S = 10.0
_POLL_S = 0.1


def end_appliance(layout: Layout) -> bool:
    """Stop what runs on the data directory and wait until it is gone; False when nothing ran.

    What a killed supervisor left behind is removed too. StartupFailed when it is another account's, or does not end.
    """
    owner = owner_of(layout.root)
    with ExitStack() as stack:
        handle = _ask_to_end(owner, stack) if owner is not None else None
        _wait_until_free(layout)
        if handle is not None:  # it frees the lock shortly before it is gone itself
            select.select([handle], [], [], _LAST_BREATH_S)
    if owner is None and layout.run.is_dir() and os.access(layout.run, os.W_OK):
        with Lock.acquire(layout.root):
            premises.end_orphans_of(layout)
            premises.sweep(layout)
    return owner is not None


def _ask_to_end(owner: Owner, stack: ExitStack) -> int | None:
    """SIGTERM through a pidfd, which is returned: from here on the pid cannot become another process's."""
    try:
        handle = os.pidfd_open(owner.pid)
        stack.callback(os.close, handle)
        if owner.alive:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
    except ProcessLookupError:
        return None
    except PermissionError as exc:
        raise StartupFailed(f"the appliance (pid {owner.pid}) belongs to another account: stop it as that one") from exc
    return handle


def _wait_until_free(layout: Layout) -> None:
    deadline = time.monotonic() + _LONGEST_END_S
    while is_held(layout.root):
        if time.monotonic() > deadline:
            raise StartupFailed(
                f"the appliance on {layout.root} did not end within {_LONGEST_END_S:g} s: see {layout.logs}"
            )
        time.sleep(_POLL_S)
