"""What provisioning knows of a host: its model, what postwrap owns, what is there. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from postwrap.host.addresses import Address, is_wildcard
from postwrap.host.model import AddressKeeper, HostModel, InstanceConfig
from postwrap.provision.desired import (
    FILES,
    Key,
    SettingKind,
    Value,
    parameter,
    words_of,
)
from postwrap.provision.ownership import Ownership


@dataclass(frozen=True, slots=True)
class Side:
    """An instance as it would be without its roles: ``settings`` are those of its main.cf.

    What a role wants is decided by this, so that it does not hang on whether it is so already.
    """

    config: InstanceConfig
    settings: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return the value of a parameter, expanded where a role has not changed it."""
        stated = self.settings.get(name)
        if stated == self.config.settings.get(name):
            return self.config.get(name)
        return stated or ""

    def words(self, name: str) -> list[str]:
        """Return the words of a list parameter."""
        return words_of(self.get(name))

    @property
    def directory(self) -> str:
        """The configuration directory."""
        return self.config.directory


@dataclass(frozen=True)
class ProvisionSite:
    """A host on which instances are made, changed and removed.

    ``files`` are the contents of files that are wanted or owned, by path, where they exist.
    ``own_postfix`` is the command that an instance's own postfix command is named after, "" where
    it gets none; ``has_commands``: postwrap's commands are installed for some instance.
    """

    model: HostModel
    default_config: InstanceConfig
    owned: Ownership = field(default_factory=Ownership)
    files: Mapping[str, str] = field(default_factory=dict)
    keeper: AddressKeeper = field(default_factory=AddressKeeper)
    own_postfix: str = ""
    has_commands: bool = False

    @cached_property
    def default(self) -> Side:
        """The default instance without the roles of any other."""
        return side(self.default_config, self.owned)

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """The host's addresses that Postfix can be bound to, without those of a link alone."""
        return tuple(a for a in self.model.up_addresses if a.version == 4 or not a.is_link_local)

    @property
    def secondaries(self) -> tuple[InstanceConfig, ...]:
        """The other instances that Postfix can read."""
        return tuple(i for i in self.model.readable if not i.is_default)

    @property
    def instances(self) -> tuple[InstanceConfig, ...]:
        """All instances that Postfix can read, the default one first."""
        return (self.default_config, *self.secondaries)

    def actual(self, keys: Collection[Key]) -> dict[Key, Value]:
        """Return what each of ``keys`` is on this host."""
        return {key: self._value(key) for key in keys}

    def _value(self, key: Key) -> Value:
        if key.kind in FILES:
            return self.files.get(key.place)
        if key.kind is SettingKind.ADDRESS:
            return key.name if self._has_address(key) else None
        if key.kind is SettingKind.CONNECTION:
            # NetworkManager is not asked; what it was given counts as still there.
            claim = self.owned.effective(key)
            return claim.value if claim else None
        instance = self.model.of(key.place)
        return _configured(instance, key) if instance else None

    def _has_address(self, key: Key) -> bool:
        address = key.name.partition("/")[0]
        return any((str(a.address), a.device) == (address, key.place) for a in self.model.addresses)


def side(config: InstanceConfig, owned: Ownership) -> Side:
    """Return ``config`` without what roles and options have set in it."""
    names = {*config.settings, *_claimed(config.directory, owned)}
    found = {}
    for name in names:
        value = owned.original(parameter(config.directory, name), config.settings.get(name))
        if value is not None:
            found[name] = value
    return Side(config, {name: found[name] for name in (*config.settings, *names) if name in found})


def _claimed(directory: str, owned: Ownership) -> Iterable[str]:
    """Yield the parameters of ``directory`` that a role or an option has set."""
    return (
        claim.key.name
        for claim in owned.claims
        if (claim.key.place, claim.key.kind) == (directory, SettingKind.PARAMETER)
    )


def _configured(instance: InstanceConfig, key: Key) -> Value:
    if key.kind is SettingKind.PARAMETER:
        return instance.settings.get(key.name)
    if key.kind is SettingKind.ELEMENT:
        listed, _, word = key.name.partition(" ")
        return word if word in words_of(instance.settings.get(listed, "")) else None
    lines = (" ".join(s.line.split()) for s in instance.services if s.key == key.name)
    return next(lines, None)


def receiving(site: ProvisionSite, given: Iterable[Address]) -> tuple[Address, ...]:
    """Return where the default instance receives, the addresses ``given`` away left out."""
    own = {*given}
    found: dict[Address, None] = {}
    for listener in site.default_config.listeners:
        several = is_wildcard(listener.address)
        same = [a for a in site.addresses if a.version == listener.address.version]
        found |= dict.fromkeys(same if several else [listener.address])
    return tuple(a for a in found if a not in own and not a.is_loopback)


def speaks(protocols: str, address: Address) -> bool:
    """Whether an instance of these inet_protocols can use ``address``."""
    return "all" in protocols or f"ipv{address.version}" in protocols
