"""The part of a node's nginx.conf that serves private objects: below `/t/TOKEN/`, after njs found the token good.

njs judges requests whose path is in plain spelling; everything else, and all of it where nginx has no njs, goes to the
brain, which applies the same rules to everything that reaches it.
"""

from pathlib import Path
from typing import Final

NJS_FOLDER: Final = Path(__file__).parents[1] / "njs"
