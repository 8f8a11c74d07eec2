"""Metrics: what a log line adds, the text form, and reading on through rotations."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from postwrap.cli.metering import kept
from postwrap.logs import cursor
from postwrap.logs.cursor import FileTail
from postwrap.logs.lines import parse
from postwrap.logs.position import Position
from postwrap.metrics import families, log
from postwrap.metrics.assembly import InstanceFigures, assembled
from postwrap.metrics.families import FROM_LOGS, FROM_QUEUES, FamilyKind
from postwrap.metrics.state import MetricsState, Overrides, from_text, to_text
from postwrap.metrics.text import exposition
from postwrap.metrics.values import OTHER, Values
from postwrap.queues.model import QUEUES, Queued
from postwrap.queues.views import Counts, Spread

if TYPE_CHECKING:
    from collections.abc import Callable

DELIVERY = (
    "4XyZ1b2c3dz9: to=<b@c.example>, orig_to=<x>, relay=mx[192.0.2.1]:25, conn_use=2, delay=3.5, "
    "delays=1/0.5/0.01/1.99, dsn=2.0.0, status={} (250 2.0.0 Ok: queued as 5ABC)"
)


def count(values: Values, program: str, message: str) -> None:
    """Count a line of ``program``."""
    line = parse(f"Jan  2 11:00:00 mail postfix/{program}[1]: {message}")
    if line:
        log.count(values, program, line.about, line.told)


def counted(*lines: tuple[str, str]) -> dict[str, int]:
    """Each counter and histogram, ``name label label``, with how often it was counted."""
    values = Values()
    for program, message in lines:
        count(values, program, message)
    found = {
        " ".join((name, *labels)): count
        for name, by in values.counters.items()
        for labels, count in by.items()
    }
    return found | {
        " ".join((name, *labels)): sum(buckets.counts)
        for name, by in values.histograms.items()
        for labels, buckets in by.items()
    }


LINES = """
smtpd: connect from unknown[192.0.2.1]
    smtpd_connects_total
smtpd: disconnect from a[192.0.2.1] ehlo=1 quit=1 commands=2
    smtpd_disconnects_total
smtpd: 4XyZ1b2c3dz9: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=x
    messages_received_total smtpd, smtpd_messages_processed_total PLAIN
smtpd: 4XyZ1b2c3dz9: client=a[192.0.2.1]
    messages_received_total smtpd, smtpd_messages_processed_total NONE
smtpd: NOQUEUE: reject: RCPT from a[192.0.2.1]: 454 4.7.1 <x@y>: Relay access denied; from=<>
    smtpd_messages_rejected_total 454
smtpd: lost connection after RCPT from a[192.0.2.1]
    smtpd_connections_lost_total RCPT
smtpd: Anonymous TLS connection established from a[192.0.2.1]: TLSv1.3 with cipher X (256/256 bits)
    smtpd_tls_connections_total Anonymous TLSv1.3 X 256 256
smtpd: warning: a[192.0.2.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6
    smtpd_sasl_authentication_failures_total
smtpd: warning: hostname x.example does not resolve to address 192.0.2.1
    smtpd_forward_confirmed_reverse_dns_errors_total
pickup: 4XyZ1b2c3dz9: uid=0 from=<root>
    messages_received_total pickup
cleanup: 4XyZ1b2c3dz9: message-id=<a@b>
    cleanup_messages_processed_total
cleanup: 4XyZ1b2c3dz9: reject: header X: y from a
    cleanup_messages_rejected_total
cleanup: 4XyZ1b2c3dz9: milter-reject: END-OF-MESSAGE from a[192.0.2.1]: 5.7.1 no; from=<a@b>
    cleanup_messages_not_accepted_total
qmgr: 4XyZ1b2c3dz9: removed
    qmgr_messages_removed_total
qmgr: 4XyZ1b2c3dz9: from=<a@b>, size=300, nrcpt=2 (queue active)
    qmgr_messages_inserted_size_bytes, qmgr_messages_inserted_recipients
qmgr: 4XyZ1b2c3dz9: from=<a@b>, status=expired, returned to sender
    qmgr_messages_expired_total
bounce: 4XyZ1b2c3dz9: sender non-delivery notification: 5XyZ1b2c3dz9
    bounce_non_delivery_notification_total
smtp: connect to a[192.0.2.1]:25: Connection timed out
    smtp_connection_timed_out_total
smtp: connect to a[192.0.2.1]:25: Connection refused
    smtp_connection_refused_total
smtp: Trusted TLS connection established to a[192.0.2.1]:25: TLSv1.2 with cipher X (128/128 bits)
    smtp_tls_connections_total Trusted TLSv1.2 X 128 128
virtual: 4XyZ1b2c3dz9: to=<a@b>, relay=virtual, delay=1, dsn=2.0.0, status=sent (to maildir)
    delivery_statuses_total virtual sent, virtual_delivered_total
tlsproxy: 4XyZ1b2c3dz9: removed
    -
""".strip("\n").splitlines()
"""What a program says, and what that counts."""


@pytest.mark.parametrize(("line", "names"), list(zip(LINES[::2], LINES[1::2], strict=True)))
def test_a_line_is_counted(line: str, names: str) -> None:
    program, _, message = line.partition(": ")
    expected = {f"postfix_{name.strip()}": 1 for name in names.split(",") if "-" not in name}
    assert counted((program, message)) == expected


@pytest.mark.parametrize("status", ["sent", "bounced", "deferred"])
def test_deliveries_are_counted(status: str) -> None:
    found = counted(("smtp", DELIVERY.format(status)), ("lmtp", DELIVERY.format(status)))
    assert found[f"postfix_delivery_statuses_total smtp {status}"] == 1
    assert found[f"postfix_smtp_messages_processed_total {status}"] == 1
    for stage in log.STAGES:
        assert found[f"postfix_delivery_stage_delay_seconds lmtp {stage}"] == 1
        has_own = status != "deferred"
        assert (f"postfix_smtp_delivery_delay_seconds {stage}" in found) == has_own
    assert found.get("postfix_smtp_deferred_messages_total", 0) == (status == "deferred")
    pipe = counted(("pipe", DELIVERY.format(status)))
    assert pipe["postfix_pipe_delivery_delay_seconds mx[192.0.2.1]:25 queue_manager"] == 1


@given(st.sampled_from(["smtpd", "cleanup", "qmgr", "smtp", "pipe", "local"]), st.text(max_size=80))
def test_any_line_may_come(program: str, message: str) -> None:
    counted((program, message), (program, f"4XyZ1b2c3dz9: {message}"))


def test_strangers_make_no_labels() -> None:
    values = Values()
    for number in range(10_000):
        count(
            values,
            "smtpd",
            f"4XyZ1b2c3dz9: client=a[192.0.2.1], sasl_method=M{number}, sasl_username=x",
        )
    found = values.counters[families.SMTPD_PROCESSED.name]
    assert len(found) <= 201
    assert sum(found.values()) == 10_000
    assert (OTHER,) in found


def figures(values: Values | None, directory: str = "/etc/postfix") -> InstanceFigures:
    counts, spread = Counts(), Spread(1000.0)
    messages = [
        Queued("deferred", "4X", 900, 5000, "", ()),
        Queued("active", "4Y", 999, 50, "", ()),
    ]
    for view in (counts, spread):
        view.add(messages)
    place = ("out", directory, "outbound", "postfix@out.service")
    return InstanceFigures(*place, True, counts, spread, values)


def samples(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """What prometheus-client reads in it."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = tuple(sorted(sample.labels.items()))
            by_labels = found.setdefault(sample.name, {})
            assert key not in by_labels, "each sample comes once"
            by_labels[key] = sample.value
    return found


def test_the_text_is_read_by_prometheus_client() -> None:
    values = Values()
    for program, message in (("smtp", DELIVERY.format("sent")), ("qmgr", "4XyZ1b2c3dz9: removed")):
        count(values, program, message)
    hostile = '/etc/postfix\\x"\n{}'
    found = samples(exposition(assembled([figures(values, hostile)])))
    (info,) = found["postfix_instance_info"]
    place = {"name": "out", "directory": hostile}
    assert dict(info) == place | {"role": "outbound", "unit": "postfix@out.service"}
    depth = {dict(k)["queue"]: v for k, v in found["postfix_showq_queue_depth"].items()}
    assert depth == dict.fromkeys(QUEUES, 0) | {"deferred": 1, "active": 1}
    sizes = {
        dict(k)["le"]: v
        for k, v in found["postfix_showq_message_size_bytes_bucket"].items()
        if dict(k)["queue"] == "deferred"
    }
    assert [sizes[le] for le in ("1000", "10000", "1e+06", "+Inf")] == [0, 1, 1, 1]
    assert found["postfix_qmgr_messages_removed_total"] == {(("name", "out"),): 1}
    assert found["postfix_smtpd_connects_total"] == {(("name", "out"),): 0}, "from the beginning"
    delays = found["postfix_smtp_delivery_delay_seconds_sum"]
    assert sum(delays.values()) == pytest.approx(3.5)


def test_without_a_log_there_are_the_queues_alone() -> None:
    text = exposition(assembled([figures(None)]))
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert named == {family.name for family in FROM_QUEUES}


def test_names_are_as_prometheus_wants_them() -> None:
    names = [family.name for family in (*FROM_QUEUES, *FROM_LOGS)]
    assert len(set(names)) == len(names)
    for family in (*FROM_QUEUES, *FROM_LOGS):
        assert family.name.endswith("_total") == (family.kind is FamilyKind.COUNTER)
        assert "instance" not in family.labels


def test_the_state_comes_back_as_it_was() -> None:
    values = Values()
    count(values, "smtp", DELIVERY.format("sent"))
    position = Position((1, 2, 3, 4), 5, "abc", 6)
    state = MetricsState(
        *(7, {"/var/log/x": (position,)}, "s=1", {"/etc/postfix": values}),
        {"/etc/postfix": Overrides((1, 2), ("postfix-x",))},
    )
    assert from_text(to_text(state)) == state
    text = to_text(state)
    for end in range(0, len(text) - 2, 7):
        assert from_text(text[:end]) is None, "torn"
    for wrong in ("{}", "[]", "null", '{"schema": 2}', text.replace('"values": {', '"values": [{')):
        assert from_text(wrong) is None


# -- reading on


class Log:
    """A log file that is written, rotated, and read on by one who keeps its positions."""

    def __init__(self, place: Path) -> None:
        self.path = place / "mail.log"
        self.positions: tuple[Position, ...] | None = None
        self.written = 0
        self.read: list[int] = []
        self.looked = 0
        self.time = 1_700_000_000
        self.rotations = 0
        self.writing_to: Path | None = None

    def write(self, number: int = 1, *, part: bool = False) -> None:
        """Append lines; a daemon that was not told of a rotation goes on with the old file."""
        target = self.writing_to or self.path
        self.time += 10
        with target.open("a") as file:
            for _ in range(number):
                file.write(f"{self.time} line {self.written}\n")
                self.written += 1
            if part:
                file.write("a part of a li")
        os.utime(target, (self.time, self.time))
        if part:
            with target.open("rb+") as file:
                file.truncate(target.stat().st_size - len("a part of a li"))
            os.utime(target, (self.time, self.time))

    def former(self) -> Path:
        self.rotations += 1
        return self.path.with_name(f"mail.log.{1000 - self.rotations}")

    def rename(self) -> Path:
        former = self.former()
        self.path.rename(former)
        return former

    def look(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Read on, as one run does; ``meanwhile`` happens once the first line has been read."""
        self.time += 10
        began = self.time * 10**9
        tail = FileTail(str(self.path), self.positions, self.looked)
        lines: list[str] = []
        for line in tail.lines():
            if not lines:
                meanwhile()
            lines.append(line)
        self.positions = tail.positions
        self.looked = began
        self.read += [int(line.split()[2]) for line in lines]


def test_reading_begins_at_the_end(tmp_path: Path) -> None:
    own = Log(tmp_path)
    own.write(5)
    own.look()
    assert own.read == []
    own.write(2)
    own.look()
    own.look()
    assert own.read == [5, 6]


def test_a_part_of_a_line_is_left_for_the_next_run(tmp_path: Path) -> None:
    own = Log(tmp_path)
    own.path.write_text("")
    own.look()
    with own.path.open("a") as file:
        file.write("1 line 0\n1 li")
    own.look()
    assert own.read == [0]
    with own.path.open("a") as file:
        file.write("ne 1\n")
    own.look()
    assert own.read == [0, 1]


NAMES = ("write", "much", "look", "rename", "pack", "copy and truncate", "late")
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=10)
"""What happens to a log, with a look at each moment of it, and then while the log is read."""


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS, st.booleans())
def test_every_line_is_read_once_whatever_rotates_when(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]], looks: bool
) -> None:
    own = Log(tmp_path_factory.mktemp("log"))
    own.write()
    own.look()
    for step, meanwhile in steps:
        _do(own, step, own.look if looks else lambda: None)
        own.look(lambda meanwhile=meanwhile: _do(own, meanwhile, lambda: None))  # type: ignore[misc]
    if own.writing_to:
        own.writing_to = None
    own.look()
    assert sorted(own.read) == list(range(1, own.written))


def _do(own: Log, step: str, moment: Callable[[], None]) -> None:
    """One thing that happens to a log; "late": a daemon writes to the old file a while longer."""
    if step in {"write", "much"}:
        own.write(3 if step == "write" else 100)
    elif step == "look":
        moment()
    elif not own.path.exists():
        own.writing_to = None
        own.write()
    elif step == "copy and truncate":
        if own.writing_to:
            return
        _put(own, own.former(), own.path.read_bytes(), own.path, moment)
        own.path.write_text("")
        os.utime(own.path, (own.time, own.time))
    else:
        own.writing_to = None
        former = own.rename()
        moment()
        if step == "pack":
            packed = former.with_name(f"{former.name}.gz")
            _put(own, packed, gzip.compress(former.read_bytes()), former, moment)
            former.unlink()
        elif step == "late":
            own.writing_to = former
            own.path.write_text("")
            os.utime(own.path, (own.time, own.time))


def _put(own: Log, path: Path, data: bytes, like: Path, moment: Callable[[], None]) -> None:
    """Write a file as cp(1) and gzip(1) do: bit by bit, at last with the time of the other."""
    for end in (0, len(data) // 2, len(data) - 1, len(data)):
        path.write_bytes(data[:end])
        os.utime(path, (own.time + 1, own.time + 1))
        moment()
    shutil.copystat(like, path)
    moment()


def test_a_log_seen_for_the_first_time_is_read_whole(tmp_path: Path) -> None:
    own = Log(tmp_path)
    own.write(2)
    own.rename()
    own.write(2)
    own.positions = ()
    own.look()
    assert own.read == [2, 3]


def test_what_others_pack_is_left_alone(tmp_path: Path) -> None:
    own = Log(tmp_path)
    own.write(2)
    own.look()
    (tmp_path / "mail.log.1.xz").write_bytes(b"\xfd7zXZ\0 line 0\n")
    (tmp_path / "mail.log.2.gz").write_bytes(b"no gzip\n")
    (tmp_path / "mail.log.d").mkdir()
    own.write(1)
    own.look()
    assert own.read == [2]


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    own = Log(tmp_path)
    own.write()
    own.look()
    with own.path.open("a") as file:
        file.write("1 line 1 " + "x" * 200_000 + "\n1 line 2\n")
    own.look()
    assert own.read == [1, 2]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    own = Log(tmp_path)
    os.mkfifo(own.path)
    own.look()
    own.look()
    assert own.read == []


def test_a_log_that_cannot_be_opened_for_once_is_read_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Log(tmp_path)
    own.write(2)
    own.look()
    own.rename()
    own.write(2)
    own.look()
    own.write(2)

    def refuse(path: str) -> None:
        raise OSError(errno.EMFILE, path)

    with monkeypatch.context() as patch:
        patch.setattr(cursor, "open_log", refuse)
        own.look()
    own.write(2)
    own.look()
    assert own.read == [2, 3, 4, 5, 6, 7]


def test_any_former_state_is_bounded(tmp_path: Path) -> None:
    own = Log(tmp_path)
    own.write()
    own.look()
    for _ in range(10):
        own.rename()
        own.write()
        own.look()
    assert own.read == list(range(1, 11))
    assert len(own.positions or ()) <= 3


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_counts_that_cannot_be_read_are_not_begun_anew(number: int) -> None:
    def read_text(path: str) -> str:
        raise OSError(number, os.strerror(number), path)

    host: Any = SimpleNamespace(source=SimpleNamespace(read_text=read_text))
    with pytest.raises(OSError, match=os.strerror(number)):
        kept(host)
