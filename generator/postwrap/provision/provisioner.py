"""One host on which instances are made, changed and removed; and what a verb is about to do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from postwrap import STATE_DIRECTORY, programs
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host.capacity import capacities
from postwrap.host.keepers import address_keeper
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.install.lock import locked
from postwrap.installation import Installation
from postwrap.postfix import Postfix
from postwrap.provision.desired import FILES, Key, ParameterValues
from postwrap.provision.engine.journal import (
    InstanceRecord,
    ProvisionJournal,
    RecordState,
    TornError,
)
from postwrap.provision.engine.runner import StepRunner
from postwrap.provision.engine.steps import Step
from postwrap.provision.engine.undertaking import Undertaking, recover
from postwrap.provision.ownership import Claim
from postwrap.provision.site import ProvisionSite


@dataclass(frozen=True, slots=True)
class ProvisionPlan:
    """What a verb is about to do, and how it is told.

    ``claims`` is what the instance wants to be set from then on. ``settled`` are the values that
    were decided, asked for or derived; ``notes`` say what a person should know before; ``last``
    are the steps without a way back. ``is_settled``: all is so already. ``request`` are the options
    of a create, by name; ``role`` is what the instance is for from then on, None for as before.
    """

    name: str
    directory: str
    steps: tuple[Step, ...]
    claims: tuple[Claim, ...] = ()
    settled: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    last: tuple[Step, ...] = ()
    is_settled: bool = False
    becomes: str = ""
    """The configuration directory that it gets where it is renamed, else ""."""
    request: Mapping[str, str] | None = None
    role: str | None = None


class Provisioner:
    """One host on which instances are made, changed and removed, under one lock."""

    def __init__(self, host: Installation, told: Callable[[str], None]) -> None:
        need_root()
        self.host = host
        self.told = told
        self.journal = ProvisionJournal(host.source)
        self.postfix = host_postfix(host)
        self.runner = StepRunner(host.source, self.postfix, told, host)

    @contextlib.contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the lock while the host is looked at and steps are taken."""
        path = self.host.source.real(f"{STATE_DIRECTORY}/lock")
        try:
            with locked(path, self.journal.prepare, on_wait):
                yield
        finally:
            self.host.source.remove_directory(STATE_DIRECTORY)

    def need_settled(self, name: str, *, forgiving: bool = False) -> None:
        """Raise RefusedError where a killed run left something of ``name``; changes nothing.

        ``forgiving``: a torn record counts as none.
        """
        if record := self.journal.unsettled(name, forgiving=forgiving):
            hint = f"postwrap {record.verb} {name} again finishes it; postwrap remove cleans up"
            raise RefusedError(f"{name}: postwrap {record.verb} was interrupted", hint)

    def exists(self, name: str) -> bool:
        """Whether any instance of this host answers to ``name``."""
        return any(instance.answers_to(name) for instance in self.host.discovery.instances)

    def recover(self, name: str, *, forgiving: bool = False) -> str:
        """Put back what a killed run left of ``name``; return the verb that it was, "" for none.

        ``forgiving``: a torn record counts as none.
        """
        record = self.journal.unsettled(name, forgiving=forgiving)
        if record:
            self.journal.carry_over()
            recover(self.runner, self.journal, record)
            self.host = self.host.anew()  # it may have been looked at before
        return record.verb if record else ""

    def carry_out(self, plan: ProvisionPlan, verb: str) -> None:
        """Take the steps of ``plan``; FailedError after undoing them."""
        self.journal.carry_over()
        before = self._before(plan.directory, verb)
        record = before or InstanceRecord(plan.directory)
        record = replace(
            record,
            state=RecordState.UNDER_WAY,
            verb=verb,
            existed=before is not None,
            becomes=plan.becomes,
        )
        if plan.request is not None:
            record = replace(record, request=plan.request)
        if plan.role is not None:
            record = replace(record, role=plan.role)
        model = self.host.model
        default = model.default.directory if model.default else ""
        beside = _broken_beside(model, plan.directory)
        undertaking = Undertaking(self.runner, self.journal, record, default, beside)
        undertaking.take(plan.steps)
        if verb in {"remove", "rename"}:
            undertaking.finish(plan.last)
        else:
            undertaking.keep(plan.claims)

    def _before(self, directory: str, verb: str) -> InstanceRecord | None:
        """Return the record of ``directory``. A torn one is set aside where the instance goes."""
        try:
            return self.journal.read(directory)
        except TornError as error:
            if verb != "remove":
                raise
            self.told(f"{error.path}: is torn, and kept as {self.journal.set_aside(directory)}")
            return None


def _broken_beside(model: HostModel, directory: str) -> str:
    """Return what is to be told of broken instances other than the one in ``directory``."""
    told = [
        f"{instance.directory} is broken ({instance.error or instance.refusal})"
        for instance in model.instances
        if instance.directory != directory and (instance.error or instance.refusal)
    ]
    if model.refusal:
        told.append(f"postmulti(1) refuses to act ({model.refusal})")
    return "; ".join(told)


def need_root() -> None:
    """Raise RefusedError unless run as root."""
    if os.geteuid():
        raise RefusedError("this changes the host's mail system, which takes root", "use sudo")


def host_postfix(host: Installation) -> Postfix:
    """Return the host's Postfix; RefusedError for a foreign tree, where none may be run."""
    if host.postfix is None:
        raise RefusedError("an instance is made on the host itself", "leave --root out")
    return host.postfix


def look(
    host: Installation, journal: ProvisionJournal, *, name: str = "", device: str = ""
) -> ProvisionSite:
    """Return what is known of ``host``; RefusedError where it has no default instance.

    ``name`` is the instance in question: of the others, those that are gone want nothing any more.
    ``device`` is the network device that an address is to be added to.
    """
    need_root()
    model = host.model
    default = model.default
    if default is None or default.error:
        host.discovery.need_served("default")
        said = next((str(p) for p in host.discovery.problems), "there is no default instance")
        reason = f"{default.directory}: {default.error}" if default else said
        raise RefusedError(reason, "first get Postfix to run, only then add a secondary instance")
    filesystem = host.source
    gone = [d for d in journal.directories() if not filesystem.exists(d)]
    return ProvisionSite(
        model,
        default,
        journal.ownership(without=(d for d in gone if not journal.answers(d, name))),
        keeper=address_keeper(filesystem, device),
        own_postfix=_own_postfix(host),
        has_commands=bool(host.manifest.files),
    )


def with_files(site: ProvisionSite, filesystem: Filesystem, keys: Iterable[Key]) -> ProvisionSite:
    """Return ``site`` with the contents of the files among ``keys`` and those that are owned."""
    owned = (claim.key for claim in site.owned.claims)
    paths = {key.place for key in (*keys, *owned) if key.kind in FILES}
    texts = {p: filesystem.read_text(p) for p in paths if filesystem.is_file(p)}
    return replace(site, files=texts)


def _own_postfix(host: Installation) -> str:
    """Return what the suffix goes behind, a path where no search path would lead to it."""
    for target in host.targets[0]:
        if target.name == "postfix":
            folder = host.layout.command_directory(target.path)
            return "postfix" if folder in programs.directories() else f"{folder}/postfix"
    return ""


def find_configured(host: Installation, site: ProvisionSite, word: str) -> InstanceConfig:
    """Return the instance that ``word`` means."""
    directory = host.discovery.find(word).directory
    for config in site.instances:
        if config.directory == directory:
            return config
    raise RefusedError(f"{directory}: Postfix cannot read it", f"postfix -c {directory} check")


def endurance(given: Mapping[str, str | None], default: InstanceConfig) -> dict[str, str]:
    """Return how many servers that do not answer leave ``default`` a process for other mail.

    Nothing unless ``given``, its settings as they will be, make it hand others what it cannot
    deliver at once.
    """
    if not given.get("smtp_fallback_relay"):
        return {}
    parameters = {**default.parameters, **{name: value or "" for name, value in given.items()}}
    transport = parameters.get("default_transport", "").partition(":")[0]
    senders = (service for service in default.clients() if service.name == transport)
    borne = next(capacities(senders, parameters), None)
    return {"dead servers": f"other mail is not delayed by up to {borne}"} if borne else {}


def shown(whose: str, settings: ParameterValues, stated: Mapping[str, str]) -> dict[str, str]:
    """Return each setting as a person wants to see it: what it will be, and what it was."""
    told = {}
    for name, value in settings.items():
        was = stated.get(name)
        if was != value:
            now = "(default)" if value is None else value
            told[whose + name] = now + (f" (was: {was})" if was else "")
    return told
