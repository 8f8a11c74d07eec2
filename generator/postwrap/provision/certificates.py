"""Whether a certificate and its key can be used, and for which names."""

from __future__ import annotations

import os
import ssl

from postwrap import programs
from postwrap.errors import RefusedError


def need_pair(certificate: str, key: str) -> None:
    """Raise RefusedError unless ``key`` is that of ``certificate`` and needs no passphrase."""
    for option, path in (("--tls-cert", certificate), ("--tls-key", key)):
        if not os.path.isfile(path) or not os.access(path, os.R_OK):  # noqa: PTH113
            raise RefusedError(f"{option} {path}: no such file", "name the PEM file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            hint = "name the key that the certificate was made for"
            raise RefusedError(f"{key}: is not the key of {certificate}", hint) from None
        hint = "both want to be PEM, the key without a passphrase; the certificate comes first"
        raise RefusedError(f"{certificate}, {key}: cannot be read", hint) from None


def covers(certificate: str, hostname: str) -> bool:
    """Whether ``certificate`` is for ``hostname``; taken to be where there is no openssl(1)."""
    if not programs.find("openssl"):
        return True
    told = programs.run(("openssl", "x509", "-in", certificate, "-noout", "-checkhost", hostname))
    return "does NOT match" not in told.stdout
