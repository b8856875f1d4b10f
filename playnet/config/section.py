"""What all sections of the YAML have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

NAME = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME)]


class Section(BaseModel):
    """A mapping of the YAML: unknown keys are errors, values do not change after load."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        """A section whose settings are all commented out is YAML's null: read it as empty."""
        return {} if value is None else value
