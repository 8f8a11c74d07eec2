"""That an instance works: it runs, it listens, and it takes a sender and a recipient.

The transaction is that of a real message up to the recipient, and ends in RSET, so that nothing is
queued. Every reply is looked at (postwrap.provision.engine.replies).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from postwrap.errors import FailedError
from postwrap.filesystem import Filesystem
from postwrap.host.addresses import Address, Endpoint
from postwrap.host.procfs import runs_in
from postwrap.postfix import Postfix
from postwrap.provision.engine.replies import Reply, ReplyVerdict, verdict
from postwrap.provision.engine.steps import Prove

_PATIENCE = 15.0
_ELSEWHERE = "relay.invalid"
"""A domain that nobody has: RFC 6761. No message is sent."""
_NAMES = ("queue_directory", "myhostname", "myorigin")


@dataclass(frozen=True, slots=True)
class _Letter:
    """Who sends to whom, and from which address of this host, "" for any."""

    sender: str
    recipient: str
    source: str = ""


def prove(
    postfix: Postfix, filesystem: Filesystem, operation: Prove, told: Callable[[str], None]
) -> None:
    """Raise FailedError unless the instance does what ``operation`` asks for.

    ``told`` is called with what only some clients would be refused for.
    """
    parameters = postfix.parameters(_NAMES, operation.directory)
    if not _in_time(lambda: bool(runs_in(filesystem, parameters["queue_directory"]))):
        raise FailedError(f"{operation.directory}: does not run")
    origin = _origin(filesystem, parameters)
    domain = operation.domain or parameters["myhostname"]
    recipient = f"postmaster@{_ELSEWHERE if operation.relays else domain}"
    letter = _Letter(f"postmaster@{origin}", recipient, operation.source)
    for host, port in operation.endpoints:
        endpoint = Endpoint(ip_address(host), port)
        refused = _talk(endpoint, letter, must=(host, port) in operation.strict)
        if refused and port == _SMTP:
            told(f"{endpoint}: {refused}; see that those that it is for get another answer")
    for host, port in operation.others:
        _connect(Endpoint(ip_address(host), port))


def _origin(filesystem: Filesystem, parameters: Mapping[str, str]) -> str:
    """Return the domain of senders of this host.

    Debian's Postfix takes a path in myorigin for a file whose first line is the domain.
    """
    stated = parameters.get("myorigin", "")
    if stated.startswith("/"):
        lines = filesystem.read_text(stated).splitlines() if filesystem.is_file(stated) else []
        stated = lines[0].strip() if lines else ""
    return stated or parameters["myhostname"]


_SMTP = 25


def _talk(endpoint: Endpoint, letter: _Letter, *, must: bool) -> Reply | None:
    """Offer ``letter`` to the server at ``endpoint``; return the reply that is a policy, if any.

    ``must``: it may not refuse, for then mail of the default instance bounces.
    """
    try:
        for reply in _replies(endpoint, letter):
            found = verdict(reply, must=must)
            if found is ReplyVerdict.REFUSED:
                raise FailedError(f"{endpoint}: takes no mail: {reply}")
            if found is ReplyVerdict.POLICY:
                return reply
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        words = text.decode(errors="replace") if isinstance(text, bytes) else text
        greeting = Reply("the connection", error.smtp_code, words)
        raise FailedError(f"{endpoint}: takes no mail: {greeting}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise FailedError(f"{endpoint}: does not answer: {error}") from error
    return None


def _replies(endpoint: Endpoint, letter: _Letter) -> Iterator[Reply]:
    """Yield the replies of one transaction; with TLS where nothing is taken without."""
    address = str(endpoint.address)
    source = (letter.source, 0) if letter.source else None
    greeting = _literal(ip_address(letter.source) if letter.source else endpoint.address)
    with smtplib.SMTP(
        address, endpoint.port, greeting, timeout=_PATIENCE, source_address=source
    ) as client:
        yield Reply("EHLO", *_said(client.ehlo()))
        mail = Reply("MAIL", *_said(client.docmd("MAIL", f"FROM:<{letter.sender}>")))
        if mail.wants_tls:
            yield Reply("STARTTLS", *_said(client.starttls(context=_any_certificate())))
            yield Reply("EHLO", *_said(client.ehlo()))
            mail = Reply("MAIL", *_said(client.docmd("MAIL", f"FROM:<{letter.sender}>")))
        yield mail
        yield Reply("RCPT", *_said(client.docmd("RCPT", f"TO:<{letter.recipient}>")))
        yield Reply("RSET", *_said(client.docmd("RSET")))


def _said(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], answer[1].decode(errors="replace")


def _literal(address: Address) -> str:
    """Return ``address`` as a host without a name calls itself: RFC 5321, 4.1.3."""
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def _any_certificate() -> ssl.SSLContext:
    """Return a context that looks at no name: it is the server of this host."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connect(endpoint: Endpoint) -> None:
    try:
        socket.create_connection((str(endpoint.address), endpoint.port), _PATIENCE).close()
    except OSError as error:
        raise FailedError(f"{endpoint}: does not answer: {error}") from error


def _in_time(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
