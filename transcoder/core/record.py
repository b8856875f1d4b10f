"""The base of what is stored as JSON between tasks: frozen, and strict about what it does not know."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A value that survives a trip through PostgreSQL."""

    model_config = ConfigDict(frozen=True, extra="forbid")
