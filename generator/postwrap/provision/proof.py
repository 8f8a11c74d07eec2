"""That an instance works: it runs, it listens, and it takes a recipient."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import time
from collections.abc import Callable

from postwrap.errors import FailedError
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.provision.listeners import Endpoint
from postwrap.provision.steps import Prove
from postwrap.status import is_running

_PATIENCE = 15.0
_ELSEWHERE = "relay.invalid"
"""A domain that nobody has: RFC 6761. No message is sent."""


def prove(postfix: Postfix, filesystem: Filesystem, operation: Prove) -> None:
    """Raise FailedError unless the instance does what ``operation`` asks for."""
    names = ("queue_directory", "myhostname")
    parameters = postfix.parameters(names, operation.directory)
    queue = parameters["queue_directory"]
    if not _in_time(lambda: bool(is_running(filesystem, queue))):
        raise FailedError(f"{operation.directory}: does not run", "see the mail log")
    domain = _ELSEWHERE if operation.relays else parameters["myhostname"]
    for host, port in operation.endpoints:
        _talk(Endpoint(host, port), f"postmaster@{domain}", must=operation.relays and port == 25)
    for host, port in operation.others:
        _connect(Endpoint(host, port))


def _talk(endpoint: Endpoint, recipient: str, *, must: bool) -> None:
    """Greet the server at ``endpoint`` as a client would, and offer it a recipient.

    ``must``: it may not refuse, for then its sibling's mail bounces.
    """
    try:
        with smtplib.SMTP(endpoint.address, endpoint.port, "localhost", _PATIENCE) as client:
            client.ehlo()
            client.mail("")
            code, words = client.rcpt(recipient)
            with contextlib.suppress(smtplib.SMTPException):
                client.rset()
    except (OSError, smtplib.SMTPException) as error:
        raise FailedError(f"{endpoint}: does not answer: {error}", "see the mail log") from error
    # A server may want TLS, a login or patience first (5xx, 4xx); one that is broken says 451.
    if code in {421, 451} or (must and code >= 500):
        text = words.decode(errors="replace")
        raise FailedError(f"{endpoint}: takes no mail: {code} {text}", "see the mail log")


def _connect(endpoint: Endpoint) -> None:
    try:
        socket.create_connection((endpoint.address, endpoint.port), _PATIENCE).close()
    except OSError as error:
        raise FailedError(f"{endpoint}: does not answer: {error}", "see the mail log") from error


def _in_time(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
