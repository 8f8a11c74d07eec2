"""How mail for elsewhere leaves an instance, and whether it does. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from postwrap.errors import RefusedError
from postwrap.provision.site import Side

TRANSPORTS = {"default_transport": "smtp", "relay_transport": "relay"}
"""The parameters that decide it, with Postfix's own defaults."""


def is_error(transport: str) -> bool:
    """Whether mail that goes by ``transport`` bounces: ``error:5.1.1 not here`` (error(8))."""
    return _service(transport) == "error"


def bouncing(instance: Side) -> dict[str, None]:
    """Return the settings to take out of ``instance``, which bounces what is for elsewhere.

    Debian's "Local only" does.
    """
    names = (name for name in TRANSPORTS if name in instance.settings)
    return {name: None for name in names if is_error(instance.get(name))}


def need_delivering(directory: str, values: Mapping[str, str], when: str = "") -> None:
    """Raise RefusedError where the instance in ``directory`` would bounce or discard mail.

    ``values`` are its parameters, expanded; ``when`` is a word on when they will be so.
    """
    told = {name: values.get(name) or "" for name in TRANSPORTS}
    lost = {n: value for n, value in told.items() if _service(value) in {"error", "discard"}}
    if not lost:
        return
    settings = [f"{name}={TRANSPORTS[name]}" for name in lost]
    postconf = shlex.join(("postconf", "-c", directory, "-e", *settings))
    reload = shlex.join(("postfix", "-c", directory, "reload"))
    stated = ", ".join(f"{name} = {value}" for name, value in lost.items())
    message = f"{directory}: does not deliver mail for elsewhere: {stated}{when}"
    raise RefusedError(message, f"{postconf} && {reload}")


def _service(transport: str) -> str:
    return transport.partition(":")[0].strip()
