"""Lines of content filters that name a message of Postfix: amavisd's and rspamd's. Pure.

The Message-ID and the addresses in them are the sender's own text. A line that names more than one
queue ID, or one whose Message-ID is another message's, is not taken for anybody's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from postwrap.logs.lines import QUEUE_ID, Line


class Filtered(NamedTuple):
    """What a filter says of a message: the queue IDs before and after it, "" where not logged."""

    program: str
    queue_id: str
    queued_as: str
    message_id: str
    result: str


_ADDRESS = r'<(?:"(?:[^"\\]|\\.)*"|[^">])*>'
# The default of $log_templ: amavisd-new, section "log_templ" of the program itself. It knows the
# queue ID where Postfix tells it by XFORWARD.
_AMAVIS = re.compile(
    r"\([\w-]+\) (?P<result>(?:Passed|Blocked) [A-Z][\w-]*(?: \([^()]*\))?) [^<]*"
    rf"{_ADDRESS} -> {_ADDRESS}(?:,{_ADDRESS})*, (?:quarantine: [^,\s]+, )?"
    rf"(?:Queue-ID: (?P<id>{QUEUE_ID}), )?Message-ID: <(?P<message_id>[^>\s]*)>, "
    rf"(?:.*queued_as: (?P<after>{QUEUE_ID})\b)?"
)
# The default of log_format: rspamd, docs, configuration/logging.
_RSPAMD = re.compile(
    rf".*?; rspamd_task_write_log: id: <(?P<message_id>[^>\s]*)>, qid: <(?P<id>{QUEUE_ID})>, "
    rf"(?:[^<(]|{_ADDRESS})*"
    r"\(\w+: \w \((?P<result>[\w -]+)\): (?P<score>\[[-\d.]+/[-\d.]+\])(?P<after>)"
)
_FORMS = {
    "amavis": (_AMAVIS, ("Queue-ID: ", "queued_as: ")),
    "amavisd": (_AMAVIS, ("Queue-ID: ", "queued_as: ")),
    "rspamd": (_RSPAMD, ("qid: <",)),
}


def is_filter(tag: str) -> bool:
    """Whether ``tag`` is one of a content filter."""
    return tag in _FORMS


def filtered(line: Line) -> Filtered | None:
    """Return what ``line`` says of a message, None where it says nothing, or not clearly."""
    if line.tag not in _FORMS:
        return None
    pattern, marks = _FORMS[line.tag]
    is_clear = all(line.message.count(mark) <= 1 for mark in marks)
    found = pattern.match(line.message) if is_clear else None
    if not found:
        return None
    before, after = found["id"] or "", found["after"] or ""
    score = found.groupdict().get("score")
    result = f"{found['result']} {score}" if score else found["result"]
    return Filtered(line.tag, before, after, found["message_id"], result)
