"""The origin's SQL, read once."""

from pathlib import Path
from typing import Final

from playnet.db.statements import Statements

SQL: Final = Statements(Path(__file__).parents[1] / "sql")
