"""Who may upload when."""

import pytest

from origin.core.assets import STATES, Start, State, begin_upload
from playnet.errors import Conflict

_FREE = ("waiting", "uploading", "failed")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("open_upload", "lease_lives"), [(False, False), (True, False), (True, True)])
def test_an_upload_begins_only_where_a_source_is_wanted_and_nobody_sends_one(
    state: State, open_upload: bool, lease_lives: bool
) -> None:
    allowed = state in _FREE and not lease_lives
    if allowed:
        assert begin_upload(state, open_upload=open_upload, lease_lives=lease_lives) == Start(replaces=open_upload)
    else:
        with pytest.raises(Conflict):
            begin_upload(state, open_upload=open_upload, lease_lives=lease_lives)
