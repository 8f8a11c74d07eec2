"""The names of systemd units that are made of an instance's name. Pure."""

from __future__ import annotations

from postwrap.host.naming import suffix_of
from postwrap.provision.renamed import NewNames


def escaped(text: str) -> str:
    r"""Return ``text``, of safe characters, as systemd-escape(1) writes it: ``a\x2db``."""
    made = text.replace("-", r"\x2d").replace("/", "-")
    return rf"\x2e{made[1:]}" if made.startswith(".") else made


def renamed_unit(unit: str, names: NewNames) -> str:
    """Return what ``unit`` is called for the instance under its new names; itself if otherwise.

    Debian 12 calls it by multi_instance_name as it is, others by directory, escaped.
    """
    stem, at, instance = unit.removesuffix(".service").partition("@")
    if not at:
        return unit
    old, new = (suffix_of(last).lstrip("-.") for last in (names.old_last, names.new_last))
    known = {
        names.old_last: names.new_last,
        escaped(old): escaped(new),
        escaped(names.old.strip("/")): escaped(names.new.strip("/")),
    }
    return f"{stem}@{known.get(instance, instance)}.service"
