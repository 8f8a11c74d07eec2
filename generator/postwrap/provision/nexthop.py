"""What a next hop means: domain, host, host:port, [host]:port, [address] or [address]:port.

Postfix looks up MX records for a name unless it stands in square brackets (postconf(5),
relayhost and smtp_fallback_relay).
"""

from __future__ import annotations

import ipaddress

from postwrap.host.addresses import Endpoint


def next_hop(endpoint: Endpoint) -> str:
    """Return the next hop that is ``endpoint`` and asks no DNS: ``[10.0.0.1]:25``."""
    return f"[{endpoint.address}]:{endpoint.port}"


def remarks(parameter: str, value: str) -> list[str]:
    """Return a line for each next hop in ``value`` that means an MX lookup, or cannot work."""
    said = []
    for word in value.replace(",", " ").split():
        host = word.partition(":")[2] if word.startswith(("smtp:", "relay:", "lmtp:")) else word
        if not host or host.startswith("["):
            continue
        name = host if host.count(":") > 1 else host.partition(":")[0]
        if _is_address(name):
            said.append(f"{parameter}: {word} wants brackets round the address: [{name}]")
        else:
            said.append(f"{parameter}: {word} means an MX lookup; [{name}] would mean that host")
    return said


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
