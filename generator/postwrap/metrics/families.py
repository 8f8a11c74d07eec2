"""The metrics: names, labels and buckets. Pure.

Names, labels and buckets are those of postfix_exporter (github.com/kumina/postfix_exporter and
github.com/Hsn723/postfix_exporter), which dashboards and alerts have. What its label ``subprogram``
holds is here the program alone. All metrics have the label ``name``, the instance's: Prometheus
itself sets ``instance``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postwrap.queues.views import AGE_BOUNDS, SIZE_BOUNDS


class FamilyKind(StrEnum):
    """What a metric is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric; ``bounds`` are the upper ends of a histogram's buckets."""

    name: str
    kind: FamilyKind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


def _counter(name: str, help: str, *labels: str) -> Family:  # noqa: A002
    return Family(f"postfix_{name}", FamilyKind.COUNTER, help, labels)


def _histogram(name: str, help: str, bounds: tuple[float, ...], *labels: str) -> Family:  # noqa: A002
    return Family(f"postfix_{name}", FamilyKind.HISTOGRAM, help, labels, bounds)


_TIMES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 60.0, 3600.0, 86400.0, 172800.0)
_RECIPIENTS = tuple(float(1 << n) for n in range(8))
_TLS = ("trust", "protocol", "cipher", "secret_bits", "algorithm_bits")

UP = Family(
    "postfix_up", FamilyKind.GAUGE, "Whether the instance runs and its queue could be read."
)
INFO = Family(
    "postfix_instance_info",
    FamilyKind.GAUGE,
    "The instance: its configuration directory, its role, the systemd unit that it runs in.",
    ("directory", "role", "unit"),
)
DEPTH = Family(
    "postfix_showq_queue_depth", FamilyKind.GAUGE, "Number of messages in each queue.", ("queue",)
)
SIZES = _histogram(
    "showq_message_size_bytes", "Size of messages in each queue, in bytes.", SIZE_BOUNDS, "queue"
)
AGES = _histogram(
    "showq_message_age_seconds", "Age of messages in each queue, in seconds.", AGE_BOUNDS, "queue"
)

RECEIVED = _counter("messages_received_total", "Messages received, by program.", "subprogram")
STATUSES = _counter(
    "delivery_statuses_total",
    "Delivery attempts (recipients) by delivery agent and status.",
    *("subprogram", "status"),
)
STAGES = _histogram(
    "delivery_stage_delay_seconds",
    "Time in each stage of delivery, by delivery agent.",
    _TIMES,
    *("subprogram", "stage"),
)
CLEANUP_PROCESSED = _counter("cleanup_messages_processed_total", "Messages processed by cleanup.")
CLEANUP_REJECTED = _counter("cleanup_messages_rejected_total", "Messages rejected by cleanup.")
CLEANUP_NOT_ACCEPTED = _counter(
    "cleanup_messages_not_accepted_total", "Messages that a milter had cleanup reject."
)
INSERTED_RECIPIENTS = _histogram(
    "qmgr_messages_inserted_recipients", "Recipients of messages made active.", _RECIPIENTS
)
INSERTED_RECEIPIENTS = _histogram(
    "qmgr_messages_inserted_receipients",
    "The same as postfix_qmgr_messages_inserted_recipients, as older dashboards spell it.",
    _RECIPIENTS,
)
INSERTED_SIZES = _histogram(
    "qmgr_messages_inserted_size_bytes", "Size of messages made active, in bytes.", SIZE_BOUNDS
)
REMOVED = _counter("qmgr_messages_removed_total", "Messages removed from the queues.")
EXPIRED = _counter("qmgr_messages_expired_total", "Messages that expired in the queues.")
SMTP_STATUSES = _counter(
    "smtp_messages_processed_total", "Delivery attempts by SMTP, by status.", "status"
)
SMTP_DEFERRED = _counter("smtp_deferred_messages_total", "Delivery attempts by SMTP, deferred.")
SMTP_DELAYS = _histogram(
    "smtp_delivery_delay_seconds", "Time in each stage of delivery by SMTP.", _TIMES, "stage"
)
SMTP_TIMED_OUT = _counter("smtp_connection_timed_out_total", "Connections to servers, timed out.")
SMTP_REFUSED = _counter("smtp_connection_refused_total", "Connections to servers, refused.")
SMTP_TLS = _counter("smtp_tls_connections_total", "TLS connections to servers.", *_TLS)
LMTP_DELAYS = _histogram(
    "lmtp_delivery_delay_seconds", "Time in each stage of delivery by LMTP.", _TIMES, "stage"
)
PIPE_DELAYS = _histogram(
    "pipe_delivery_delay_seconds",
    "Time in each stage of delivery by pipe, by its service.",
    _TIMES,
    *("relay", "stage"),
)
SMTPD_CONNECTS = _counter("smtpd_connects_total", "Connections of clients.")
SMTPD_DISCONNECTS = _counter("smtpd_disconnects_total", "Connections of clients that ended.")
SMTPD_LOST = _counter(
    "smtpd_connections_lost_total", "Connections lost, by the client's last command.", "after_stage"
)
SMTPD_FCRDNS = _counter(
    "smtpd_forward_confirmed_reverse_dns_errors_total",
    "Clients whose host name does not resolve to their address.",
)
SMTPD_PROCESSED = _counter(
    "smtpd_messages_processed_total", "Messages by SASL method; NONE without one.", "sasl_method"
)
SMTPD_REJECTED = _counter(
    "smtpd_messages_rejected_total", "Requests rejected before there was a message.", "code"
)
SMTPD_SASL_FAILURES = _counter(
    "smtpd_sasl_authentication_failures_total", "SASL authentications that failed."
)
SMTPD_TLS = _counter("smtpd_tls_connections_total", "TLS connections of clients.", *_TLS)
NON_DELIVERY = _counter(
    "bounce_non_delivery_notification_total", "Notices of non-delivery to senders."
)
VIRTUAL_DELIVERED = _counter("virtual_delivered_total", "Deliveries to mailboxes by virtual.")

FROM_QUEUES = (UP, INFO, DEPTH, SIZES, AGES)
FROM_LOGS = (
    *(RECEIVED, STATUSES, STAGES, CLEANUP_PROCESSED, CLEANUP_REJECTED, CLEANUP_NOT_ACCEPTED),
    *(INSERTED_RECIPIENTS, INSERTED_SIZES, REMOVED, EXPIRED, SMTP_STATUSES, SMTP_DEFERRED),
    *(SMTP_DELAYS, SMTP_TIMED_OUT, SMTP_REFUSED, SMTP_TLS, LMTP_DELAYS, PIPE_DELAYS),
    *(SMTPD_CONNECTS, SMTPD_DISCONNECTS, SMTPD_LOST, SMTPD_FCRDNS, SMTPD_PROCESSED),
    *(SMTPD_REJECTED, SMTPD_SASL_FAILURES, SMTPD_TLS, NON_DELIVERY, VIRTUAL_DELIVERED),
)
