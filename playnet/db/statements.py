"""SQL statements by name: a folder of `.sql` files, one statement each, all read at start."""

from collections.abc import Iterator
from pathlib import Path


class Statements:
    """The statements of one folder; `statements["show_asset"]` is the text of `show_asset.sql`.

    Every file starts with a `--` comment that says what the statement is for and what its arguments are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.sql"))}
        if not self._texts:
            raise ValueError(f"{folder} holds no .sql files")
        for name, text in self._texts.items():
            if not text.startswith("--"):
                raise ValueError(f"{folder / name}.sql does not start with a comment on its purpose and arguments")

    def __getitem__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise KeyError(f"{name}.sql is not in {self._folder}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)
