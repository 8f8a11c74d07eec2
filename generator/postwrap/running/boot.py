"""Whether the boot starts an instance.

postwrap's generator and postmulti decide by multi_instance_enable, so that is what is written;
systemd then reads units again, and what it says must agree. Units that somebody else has enabled or
masked are left as they are. For the default instance postfix.service is enabled and disabled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from postwrap import programs
from postwrap.errors import PostwrapError, Problem, RefusedError
from postwrap.host.model import InstanceConfig
from postwrap.host.units import units
from postwrap.installation import Installation
from postwrap.service import LoadState, Services

_ENABLE = "multi_instance_enable"
_DEFAULT_UNIT = "postfix.service"
_MASKED = " is masked"


@dataclass(frozen=True, slots=True)
class Switched:
    """What became of the boot of one instance.

    ``unit`` is the systemd unit that the boot starts it by, or would, "" for none; ``starts``
    whether it does now. ``done`` is in words, "" where nothing was to be done; ``note`` is what
    else is to be known; ``problem`` is what stands against it.
    """

    config: InstanceConfig
    unit: str = ""
    starts: bool = False
    done: str = ""
    note: str = ""
    problem: Problem | None = None


class BootSwitch:
    """The boot of the instances of one host."""

    def __init__(self, host: Installation) -> None:
        self.host = host
        self.model = host.model
        self.services = Services(host.boot_facts.init)

    def switch(self, config: InstanceConfig, *, on: bool) -> Switched:
        """Have the boot start ``config`` from now on, or not."""
        place = self.host.places.get(config.directory)
        starts = place.starts if place else self.model.starts_at_boot(config)
        bare = Switched(config, place.unit if place else "", starts)
        try:
            if config.error:
                raise RefusedError(config.error, f"postfix -c {config.directory} check")
            if on and place:
                self._need_unmasked(place.unit)
            is_changed = self._turn_default(on=on) if config.is_default else self._turn(config, on)
            done = ("enabled" if on else "disabled") if is_changed else ""
            bare = replace(bare, done=done, starts=on)
            return self._enabled(bare) if on else self._disabled(bare)
        except PostwrapError as error:
            return replace(bare, problem=Problem(config.directory, error.message, error.hint))

    def _need_unmasked(self, unit: str) -> None:
        """Raise RefusedError for a masked unit: an administrator's word that it shall not start."""
        if self.services.runs_systemd and self.services.load_state(unit) is LoadState.MASKED:
            raise RefusedError(f"{unit}{_MASKED}", self.services.unmasking(unit))

    def _turn(self, config: InstanceConfig, on: bool) -> bool:
        """Write multi_instance_enable where it does not say so already; whether it did not.

        Where postmulti does not know the instance, it is on unless main.cf says no.
        """
        now = config.settings.get(_ENABLE, "").lower()
        default = self.model.default
        listed = default.words("multi_instance_directories") if default else ()
        is_known = config.directory in {word.rstrip("/") for word in listed}
        if now == ("yes" if on else "no") or (on and not now and not is_known):
            return False
        setting = f"{_ENABLE}={'yes' if on else 'no'}"
        _need("postconf", "-c", config.directory, "-e", setting)
        for problem in self.services.reload():
            raise RefusedError(f"{problem.subject}: {problem.message}", problem.hint)
        return True

    def _turn_default(self, *, on: bool) -> bool:
        """Enable or disable the distribution's unit; return whether that was to be done."""
        if not self.services.runs_systemd:
            hint = f"update-rc.d postfix {'enable' if on else 'disable'}, or rc-update on OpenRC"
            raise RefusedError("the distribution's init script starts it at boot", hint)
        state = programs.run(("systemctl", "is-enabled", _DEFAULT_UNIT)).stdout.strip()
        if (state in {"enabled", "enabled-runtime"}) == on:
            return False
        _need("systemctl", "enable" if on else "disable", _DEFAULT_UNIT)
        return True

    def _enabled(self, switched: Switched) -> Switched:
        """Return ``switched`` with its unit; RefusedError where the boot does not start it."""
        anew = self.host.anew()
        if not self.services.runs_systemd and not anew.places:
            return switched  # the init script, which obeys multi_instance_enable
        config, place = switched.config, anew.places.get(switched.config.directory)
        if place and not place.starts:
            unit = place.why.removesuffix(_MASKED)
            remedy = self.services.unmasking(unit) if unit != place.why else "postwrap check"
            raise RefusedError(f"is not started at boot: {place.why}", remedy)
        if not place or not (anew.next_boot or self._starting(config, "yes")):
            raise RefusedError("nothing starts it at boot", "postwrap install")
        default = anew.places.get("/etc/postfix")
        note = "" if place.why == "the distribution starts it" else place.why
        if not config.is_default and default and not default.starts:
            note = f"{default.why}, and nothing starts without it: postwrap enable default"
        return replace(switched, unit=place.unit, note=note)

    def _disabled(self, switched: Switched) -> Switched:
        """Return ``switched``; RefusedError where somebody else's unit still starts it."""
        if switched.config.is_default:
            note = "the others start with postfix.service, and do not start at boot either"
            return replace(switched, note=note)
        for unit in self._starting(switched.config, "no"):
            # Debian 12's generator wants units for all; postmulti(1) starts those that are on.
            if not self.services.runs_postmulti(unit):
                message = f"{unit}, which is not postwrap's, still starts it at boot"
                raise RefusedError(message, f"systemctl disable {unit}")
        return switched

    def _starting(self, config: InstanceConfig, enabled: str) -> list[str]:
        """Return the units that start ``config`` at boot, once multi_instance_enable is so."""
        changed = replace(config, parameters={**config.parameters, _ENABLE: enabled})
        instances = [changed if i is config else i for i in self.model.instances]
        found = units(self.host.source, instances) or ()
        return [unit.name for unit in found if unit.directory == config.directory]


def _need(*argv: str) -> None:
    """Run a command; RefusedError with its own words where it fails."""
    done = programs.run(argv)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"{argv[0]}: exit status {done.returncode}"]
        raise RefusedError(said[-1], "mend that and run the same command again")
