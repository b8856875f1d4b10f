"""A body that arrives, read at two paces."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.adapters.fill import growing
from edge.adapters.fill.growing import Growing
from edge.adapters.store.bodies import Bodies
from playnet.errors import Unavailable
from tests.aio import run


def test_a_reader_that_was_left_behind_keeps_the_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its descriptor would be another file's, and the viewer would get that one's bytes."""
    monkeypatch.setattr(growing, "_WINDOW_BYTES", 10)
    bodies = Bodies(tmp_path / "c")

    async def body() -> None:
        with ThreadPoolExecutor(1) as files:
            temp = bodies.create()
            arriving = Growing(files, temp, None, stall_s=0.01)
            await arriving.append(b"on disk ")
            with arriving.reading() as slow:
                with arriving.reading(8) as quick:
                    arriving.give_up_disk()
                    await arriving.append(b"in memory only")
                    quick.position = 22
                    await arriving.append(b"more")
                arriving.finish()
                arriving.release()
                assert bodies.create().fd != temp.fd
                assert await anext(slow.chunks()) == b"on disk "
                with pytest.raises(Unavailable, match="too slow"):
                    await anext(slow.chunks())
            assert bodies.create().fd == temp.fd, "closed by the last reader"

    run(body())
