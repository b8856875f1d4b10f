"""Every code that a problem document can carry has its section on the page that the document names."""

from collections.abc import Iterator

import edge.adapters.fill.cutting
import edge.adapters.upstream.upstream  # noqa: F401
import origin.core.tus  # noqa: F401 (their errors join the tree)
import playnet.cli.tokens
import playnet.tokens.refusal  # noqa: F401
from origin.core.error_page import MEANINGS, error_page
from playnet.asgi import problems
from playnet.errors import PlayNetError
from playnet.nginx import problems as nginx


def _tree(root: type[PlayNetError]) -> Iterator[type[PlayNetError]]:
    yield root
    for branch in root.__subclasses__():
        yield from _tree(branch)


def test_every_code_is_explained() -> None:
    codes = {error.code for error in _tree(PlayNetError) if error.__module__.split(".")[0] != "tests"}
    assert codes | {"http", "head-too-large", *problems._CODES.values(), *nginx.CODES} == MEANINGS.keys()


def test_every_code_is_an_anchor() -> None:
    page = error_page()
    assert all(f'<h2 id="{code}">' in page for code in MEANINGS)
