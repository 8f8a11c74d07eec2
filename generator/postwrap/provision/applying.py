"""``apply`` as one call: what is declared, the plans for it, and carrying them out in one order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from postwrap.errors import FailedError, PostwrapError, Problem, StoppedError
from postwrap.provision.declaration import Declaration, Declarations, need_together
from postwrap.provision.declaring import DeclaredPlan, DeclaredPlanner
from postwrap.provision.identity import config_directory
from postwrap.provision.provisioner import Provisioner, look
from postwrap.provision.site import ProvisionSite


@dataclass(frozen=True, slots=True)
class Refusal:
    """A declared instance that could not be brought about, and why."""

    declared: Declaration
    error: PostwrapError

    @property
    def problem(self) -> Problem:
        """What to tell of it."""
        return Problem(f"instance {self.declared.name}", self.error.message, self.error.hint)


@dataclass
class ApplyOutcome:
    """The plans, in the order in which they are carried out, and what stands against others."""

    plans: list[DeclaredPlan] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def is_changing(self) -> bool:
        """Whether anything is changed, or would be."""
        return any(one.is_changing for one in self.plans)

    @property
    def has_drift(self) -> bool:
        """Whether a setting stays as somebody has changed it by hand."""
        return any(one.drift for one in self.plans)

    @property
    def has_failed(self) -> bool:
        """Whether steps were taken and had to be undone."""
        return any(isinstance(refusal.error, FailedError) for refusal in self.refusals)


class Application:
    """Declared instances and the host on which they shall be.

    ``overwrites``: what was changed by hand is put back. ``date`` marks what removal keeps.
    """

    def __init__(
        self,
        provisioner: Provisioner,
        declared: Declarations,
        date: str,
        *,
        overwrites: bool = False,
    ) -> None:
        self.provisioner = provisioner
        self.declared = declared
        self.date = date
        self.overwrites = overwrites
        need_together(declared.instances)

    def order(self) -> tuple[Declaration, ...]:
        """Return the declarations in the order in which they are brought about."""
        instances = self.provisioner.host.discovery.instances
        return self.declared.whole(i.name for i in instances if not i.is_default)

    def foresee(self) -> ApplyOutcome:
        """Return the plans for all that is declared, each on the host as those before leave it."""
        outcome, after = ApplyOutcome(), None
        for declared in self.order():
            try:
                # Of an instance that a killed run left half made nothing is known beforehand.
                self.provisioner.need_settled(declared.name)
                site = self._look(declared)
                if after:
                    site = replace(after, keeper=site.keeper)
                planned = self._planner().plan(declared, site)
            except PostwrapError as error:
                outcome.refusals.append(Refusal(declared, error))
                continue
            outcome.plans.append(planned)
            after = planned.after if planned.is_changing else after
        return outcome

    def carry_out(self, told: Callable[[DeclaredPlan], None]) -> ApplyOutcome:
        """Bring about what is declared, one instance after the other; ``told`` of each.

        What stands against one of them stops no other.
        """
        outcome, site = ApplyOutcome(), None
        is_interrupted = self.provisioner.journal.is_interrupted
        for declared in self.order():
            try:
                if is_interrupted and self.provisioner.recover(declared.name):
                    site = None
                site = site if site and self._is_known(declared, site) else self._look(declared)
                planned = self._planner().plan(declared, site)
                if not planned.plan.is_settled:
                    self.provisioner.carry_out(planned.plan, planned.verb or "role")
            except StoppedError:
                raise
            except PostwrapError as error:
                outcome.refusals.append(Refusal(declared, error))
                site = None
            else:
                site = site if planned.plan.is_settled else None
                outcome.plans.append(planned)
                told(planned)
            if site is None:
                # It has changed, or may have.
                self.provisioner.host = self.provisioner.host.anew()
        return outcome

    def _is_known(self, declared: Declaration, site: ProvisionSite) -> bool:
        """Whether ``site``, looked at for another instance, tells all of ``declared``."""
        directory = config_directory(site, declared.name)
        return site.model.of(directory) is not None and not declared.options.add_address

    def _planner(self) -> DeclaredPlanner:
        host, journal = self.provisioner.host, self.provisioner.journal
        return DeclaredPlanner(host, journal, self.date, overwrites=self.overwrites)

    def _look(self, declared: Declaration) -> ProvisionSite:
        device = declared.options.add_address
        return look(
            self.provisioner.host, self.provisioner.journal, name=declared.name, device=device
        )
