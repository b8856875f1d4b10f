"""YAML text in, plain values and the line of each of them out. Pure. Bounded: no alias bomb, no bottomless nesting.

YAML 1.1 as PyYAML's safe loader reads it; a key that stands twice is reported instead of silently replaced.
"""

from typing import Any

import yaml

from playnet.errors import ConfigError

Path = tuple[str | int, ...]
_MAX_VALUES = 100_000  # a thousand edges with every setting are 10,000; aliases count as often as they are used
_MAX_DEPTH = 20  # the deepest setting is at 5


class Document:
    """One parsed file."""

    def __init__(self, text: str, name: str) -> None:
        """Parse. ConfigError names `name`, the line and the reason."""
        self._name = name
        self._line: dict[Path, int] = {}
        self._values = 0
        self._duplicates: list[str] = []
        try:
            self.value = self._parsed(text)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            raise ConfigError(f"{name}:{mark.line + 1 if mark else 1}: not valid YAML: {exc.problem}") from exc
        except RecursionError as exc:
            raise ConfigError(f"{name}: nested deeper than {_MAX_DEPTH} levels") from exc
        except (yaml.YAMLError, ValueError) as exc:
            raise ConfigError(f"{name}: not valid YAML: {str(exc).splitlines()[0]}") from exc
        if self._duplicates:
            raise ConfigError("\n".join(self._duplicates))

    def line(self, path: Path) -> int:
        """The line (1-based) of a key or entry, or of its nearest ancestor that is written in the file."""
        while path and path not in self._line:
            path = path[:-1]
        return self._line.get(path, 1)

    def at(self, path: Path) -> Any:
        """The value as written. KeyError when the file does not say."""
        value: Any = self.value
        for step in path:
            match value, step:
                case list(), int():
                    value = value[step]
                case dict(), _:
                    value = value[step]
                case _:
                    raise KeyError(step)
        return value

    def _parsed(self, text: str) -> Any:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            self._walk(node, (), node.start_mark.line + 1)
            return loader.construct_document(node)
        finally:
            loader.dispose()

    def _walk(self, node: yaml.Node, path: Path, line: int) -> None:
        self._values += 1
        if len(path) > _MAX_DEPTH:
            raise ConfigError(f"{self._name}:{line}: nested deeper than {_MAX_DEPTH} levels")
        if self._values > _MAX_VALUES:
            raise ConfigError(f"{self._name}:{line}: more than {_MAX_VALUES} values, aliases counted at each use")
        self._line[path] = line
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name, key_line = str(key.value), key.start_mark.line + 1
                if name in seen:
                    where = ".".join(map(str, (*path, name)))
                    self._duplicates.append(f"{self._name}:{key_line}: {where} is set twice: keep one")
                seen.add(name)
                self._walk(value, (*path, name), key_line)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, (*path, index), item.start_mark.line + 1)
