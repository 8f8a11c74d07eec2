"""The commands that take a next hop out of where it stands: a setting, a service, a table."""

from __future__ import annotations

from postwrap.checks import remedies
from postwrap.host.addresses import split_transport
from postwrap.host.model import InstanceConfig, TableAnswer
from postwrap.host.nexthops import FILTER, TRANSPORTS, Hop, tables_of

_KEYED = frozenset({"hash", "btree", "lmdb", "dbm", "sdbm"})
"""The types of tables that ``postmap -d`` takes an entry out of."""
_WRITTEN = frozenset({"texthash", "regexp", "pcre", "cidr", "cdb"})
"""The types whose file says by itself what they give."""


def without_hop(instance: InstanceConfig, hop: Hop) -> str:
    """Return the command by which ``instance`` hands nothing to ``hop`` any more."""
    return without_answer(instance, hop.answer) if hop.answer else with_hop(instance, hop, "")


def with_hop(instance: InstanceConfig, hop: Hop, to: str) -> str:
    """Return the command that puts ``to``, or "", in the place of ``hop`` in its setting."""
    stated = _stated(instance, hop)
    before = stated
    name, nexthop = split_transport(stated)
    if is_transport := hop.parameter in TRANSPORTS:
        before = nexthop
    words = [w for w in before.replace(",", " ").split() if w != hop.destination.text or to]
    after = ", ".join(to if w == hop.destination.text else w for w in words)
    if is_transport and hop.parameter == FILTER and not after:
        name = ""
    value = ":".join(filter(None, (name, after))) if is_transport else after
    return remedies.override(instance, hop.override, hop.parameter, value)


def _stated(instance: InstanceConfig, hop: Hop) -> str:
    services = (s for s in instance.services if s.key == hop.override)
    service = next(services, hop.client)
    return instance.value(service, hop.parameter) if hop.override else instance.get(hop.parameter)


def without_answer(instance: InstanceConfig, answer: TableAnswer) -> str:
    """Return the command that takes an entry out of its table, and out of the text beside it.

    Of a table without a file, the table goes; one that only a person can read is opened.
    """
    kind, _, file = answer.table.partition(":")
    if kind in _KEYED:
        delete = remedies.tool(instance, "postmap", "-d", answer.key, answer.table)
        written = f"{{ [ ! -e {remedies.quoted(file)} ] || {_comment(answer)}; }}"
        return remedies.both(written, delete)
    if kind == "texthash":
        return _comment(answer)
    if kind in _WRITTEN:
        return f'"${{EDITOR:-vi}}" {remedies.quoted(file)}'
    spelt = instance.settings.get(answer.parameter, instance.get(answer.parameter))
    rest = [t for t in tables_of(spelt) if t.removeprefix("proxy:") != answer.table]
    return remedies.edit(instance, **{answer.parameter: ", ".join(rest)})


def _comment(answer: TableAnswer) -> str:
    """Return the command that makes a comment of the entry; postmap folds the case of its key."""
    file = answer.table.partition(":")[2]
    key = remedies.literal(answer.key, "|")
    return remedies.words("sed", "-i", f"s|^{key}[[:space:]]|#&|I", file)
