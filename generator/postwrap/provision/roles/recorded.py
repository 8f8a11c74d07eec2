"""Which role an instance has, as the records of what is owned tell. Pure."""

from __future__ import annotations

from postwrap.provision.desired import SettingKind
from postwrap.provision.ownership import Ownership, Part
from postwrap.provision.roles import Role

_OF_DEFAULT = {
    "smtp_fallback_relay": Role.FALLBACK_RELAY,
    "content_filter": Role.CONTENT_FILTER,
    "relayhost": Role.OUTBOUND,
}
"""What each role sets in the default instance, and no other role does."""
_OF_BACKUP_MX = "maximal_queue_lifetime"


def role_of(owned: Ownership, directory: str) -> Role | None:
    """Return the role of the instance in ``directory``, None where it has none by postwrap."""
    claims = [c for c in owned.of(directory, Part.ROLE) if c.key.kind is SettingKind.PARAMETER]
    for claim in claims:
        if claim.key.place != directory and claim.key.name in _OF_DEFAULT:
            return _OF_DEFAULT[claim.key.name]
    is_backup = any(c.key.place == directory and c.key.name == _OF_BACKUP_MX for c in claims)
    return Role.BACKUP_MX if is_backup else None
