"""What proves that an instance that exists takes mail where it listens. Pure."""

from __future__ import annotations

from ipaddress import ip_address

from postwrap.host.addresses import Endpoint, is_wildcard
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.provision.engine.steps import Prove


def proof_of(config: InstanceConfig, model: HostModel, directory: str = "") -> Prove:
    """Return the proof of ``config``, which may be in another ``directory`` by then.

    Of a wildcard, loopback is tried, unless another instance has that for itself.
    """
    others = {x.endpoint for i in model.instances if i is not config for x in i.listeners}
    smtp: dict[tuple[str, int], None] = {}
    rest: dict[tuple[str, int], None] = {}
    for listener in config.listeners:
        endpoint = listener.endpoint
        if is_wildcard(endpoint.address):
            loopback = ip_address("127.0.0.1" if endpoint.address.version == 4 else "::1")
            endpoint = Endpoint(loopback, endpoint.port)
            if endpoint in others or loopback not in model.up_addresses:
                continue
        found = smtp if listener.service.is_smtp_server else rest
        found[str(endpoint.address), endpoint.port] = None
    return Prove(directory or config.directory, tuple(smtp), tuple(rest))
