"""Who makes a request, after the credentials were looked at. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from playnet.errors import Forbidden

from .roles import Permission, Role

AccountId = NewType("AccountId", str)


class Means(StrEnum):
    """By what a caller is known."""

    NOTHING = "nothing"
    AUTOMATION = "automation"  # the appliance's own API token: the command line, scripts of the operator
    SESSION = "session"  # a browser's cookie
    API_TOKEN = "api-token"  # noqa: S105
    ID_TOKEN = "id-token"  # noqa: S105  # of a configured provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One caller. `session` is the session's public name."""

    means: Means
    name: str
    permissions: frozenset[Permission]
    account: AccountId | None = None
    email: str | None = None
    roles: frozenset[Role] = frozenset()
    session: str | None = None

    @property
    def is_known(self) -> bool:
        return self.means is not Means.NOTHING

    def own_account(self) -> AccountId:
        """Forbidden for a credential that belongs to nobody in particular."""
        if self.account is None:
            raise Forbidden("this credential belongs to no account: sign in, or use an account's API token")
        return self.account


ANONYMOUS: Final = Caller(means=Means.NOTHING, name="anonymous", permissions=frozenset())
AUTOMATION: Final = Caller(means=Means.AUTOMATION, name="automation", permissions=frozenset(Permission))
