"""The roles: what a secondary instance is for, and what each of the two instances gets for it.

A new role is a module here that is called as its member below in lower case, and that member. The
module has a ``DEFINITION``: see postwrap.provision.roles.definition.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postwrap.provision.roles.definition import RoleDefinition


class Role(StrEnum):
    """What a secondary instance is for."""

    FALLBACK_RELAY = "fallback-relay"
    CONTENT_FILTER = "content-filter"
    OUTBOUND = "outbound"
    BACKUP_MX = "backup-mx"

    @property
    def definition(self) -> RoleDefinition:
        """What it means."""
        module = import_module(f"{__name__}.{self.name.lower()}")
        found: RoleDefinition = module.DEFINITION
        return found
