"""Why mail is not delivered, in words that many messages share. Pure.

A reason names the server, addresses and times. Without these the reasons of ten thousand messages
are a handful.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SUSPENDED = "delivery temporarily suspended: "
_SERVER = re.compile(
    r"(?:connect to|host|conversation with|lost connection with|Server certificate not verified at)"
    r" [^\s\[]+(?:\[[^\]]*\](?::\d+)?)?"
    r"(?:: | said: | refused to talk to me: | )"
)
"""What smtp(8) says of a server before it comes to the point: postfix src/smtp/smtp_connect.c,
smtp_chat.c, smtp_trouble.c."""
_IN_REPLY = re.compile(r" \(in reply to [^()]*\)")
_STATUS = re.compile(r"[245]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3} )?")
_NAME = re.compile(r"\bname=\S+")
_IN_BRACKETS = re.compile(r"<[^>]*>|\[[^\]]*\]")
_ADDRESS = re.compile(r"\S+@\S+")
_NUMBER = re.compile(r"\d+")
_LONGEST = 120
_KEPT = {"timed": "conversation timed", "while": "lost connection while"}


def plain_reason(text: str) -> str:
    """Return the reason ``text`` without the server and the command that it is about."""
    bare = _IN_REPLY.sub("", text.removeprefix(_SUSPENDED))
    found = _SERVER.match(bare)
    if not found:
        return bare
    rest = bare[found.end() :]
    first, space, more = rest.partition(" ")
    return f"{_KEPT[first]}{space}{more}" if first in _KEPT and found[0][-2] != ":" else rest


@lru_cache(maxsize=4096)
def shared_reason(text: str) -> str:
    """Return the reason ``text`` without what tells one message from the next."""
    bare = plain_reason(text)
    status = _STATUS.match(bare)
    code = status[0] if status else ""
    bare = _ADDRESS.sub("…", _IN_BRACKETS.sub("…", _NAME.sub("name=…", bare[len(code) :])))
    return (code + _NUMBER.sub("N", bare)).strip()[:_LONGEST]
