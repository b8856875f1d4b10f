"""Roles, permissions, and what a credential may do. Pure.

A role is a set of permissions. An API token's scopes are permissions too, and never give more than its owner has at
that moment: a token of somebody who is no longer a publisher publishes nothing.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an account is for. Several may be held at once."""

    ADMIN = "admin"
    OPERATOR = "operator"
    PUBLISHER = "publisher"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a route asks for, and what a token's scope gives."""

    WATCH = "watch"  # sign in, own settings, whatever is kept for one viewer
    PUBLISH = "publish"  # create, upload, edit and delete assets
    OPERATE = "operate"  # purge caches, look at the fleet
    AUDIT = "audit"  # read the record of administrative acts
    ADMINISTER = "administer"  # accounts and roles


PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.WATCH}),
    Role.PUBLISHER: frozenset({Permission.WATCH, Permission.PUBLISH}),
    Role.OPERATOR: frozenset({Permission.WATCH, Permission.OPERATE, Permission.AUDIT}),
    Role.ADMIN: frozenset(Permission),
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that any of the roles gives. Whoever has an account may watch."""
    return frozenset({Permission.WATCH}).union(*(PERMISSIONS[role] for role in roles))


def token_permissions(roles: Iterable[Role], scopes: Iterable[Permission]) -> frozenset[Permission]:
    """What an API token gives: its scopes, as far as its owner's roles reach."""
    return permissions_of(roles) & frozenset(scopes)
