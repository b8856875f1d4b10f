"""One purge order. Pure.

Orders are written first to PostgreSQL (table `purge_order`, in the transaction that causes them), relayed in
that order to a Redis stream, and applied by every edge, which remembers how far it came.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

Kind = Literal["url", "tag", "prefix", "all"]


class PurgeOrder(BaseModel):
    """What to forget. `url` and `prefix` are URL paths (`/v/…`), `tag` is a surrogate key, `all` has no value.

    `soft`: keep the entries but treat them as stale, so that they are served while they are revalidated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    value: str = ""
    soft: bool = False

    @model_validator(mode="after")
    def _complete(self) -> "PurgeOrder":
        if (self.kind == "all") != (self.value == ""):
            raise ValueError("expected a value for url, tag and prefix, and none for all")
        if self.kind in {"url", "prefix"} and not self.value.startswith("/"):
            raise ValueError("expected a path that starts with /")
        return self
