"""The documents that ``--json`` prints, one class each, every key with its meaning.

The manual is made of these, mypy holds the verbs to them, and a test compares what verbs print.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

SCHEMA = 1
"""The version of all of them; it grows when a key changes its meaning or goes."""


class ProblemDocument(TypedDict):
    """Something wrong with one instance or file, which did not stop the others."""

    subject: Annotated[str, "the instance's directory, or the file"]
    message: Annotated[str, "what is wrong with it"]
    hint: Annotated[str, "the remedy; may be empty"]


class QueueFigures(TypedDict):
    """Messages by queue."""

    active: Annotated[int, "messages in the active queue"]
    deferred: Annotated[int, "messages in the deferred queue"]
    hold: Annotated[int, "messages on hold"]
    incoming: Annotated[int, "messages in the incoming queue"]
    maildrop: Annotated[int, "messages in the maildrop queue"]


class ListedInstance(TypedDict):
    """An instance in ListDocument."""

    name: Annotated[str, "what it is called on the command line"]
    suffix: Annotated[str, "what the names of its commands end in"]
    default: Annotated[bool, "whether it is the default instance"]
    directory: Annotated[str, "its configuration directory"]
    queue_directory: Annotated[str | None, "its queue_directory; null if postconf failed"]
    running: Annotated[bool | None, "whether it runs; null if only root may know"]
    queues: Annotated[QueueFigures | None, "messages by queue; null if it cannot be read"]
    complete: Annotated[bool, "whether these are all; false after 5 seconds or without any"]
    unknown: Annotated[str | None, "why running or queues is not known, or null"]
    commands: Annotated[str, "installed, outdated or missing"]
    unit: Annotated[str | None, "its systemd unit; null without systemd"]
    starts_at_boot: Annotated[bool | None, "whether systemd starts it at boot; null without"]
    boot_note: Annotated[str | None, "why it is not started then; null without systemd"]
    enabled: Annotated[bool | None, "multi_instance_enable; null where postconf failed"]
    role: Annotated[str | None, "the role that it has from postwrap; null for none, or unknown"]


class ListDocument(TypedDict):
    """What list prints."""

    instances: Annotated[list[ListedInstance], "the instances, the default one first"]
    problems: Annotated[
        list[ProblemDocument], "directories that are not served, each with a remedy"
    ]


class ControlledInstance(TypedDict):
    """An instance in ControlDocument."""

    name: Annotated[str, "what it is called on the command line"]
    directory: Annotated[str, "its configuration directory"]
    unit: Annotated[str | None, "the systemd unit that it runs in, or would; null for none"]
    running: Annotated[bool, "whether it runs afterwards"]
    done: Annotated[str | None, "started, stopped, restarted or reloaded; null for nothing"]
    note: Annotated[str | None, "why nothing was to be done, or null"]


class ControlDocument(TypedDict):
    """What start, stop, restart and reload print."""

    instances: Annotated[list[ControlledInstance], "the instances, in the order of what was done"]
    problems: Annotated[
        list[ProblemDocument], "what failed and what was left out, each with a remedy"
    ]


class SwitchedInstance(TypedDict):
    """An instance in BootDocument."""

    name: Annotated[str, "what it is called on the command line"]
    directory: Annotated[str, "its configuration directory"]
    unit: Annotated[str | None, "the systemd unit of it; null for none"]
    starts_at_boot: Annotated[bool, "whether the next boot starts it"]
    done: Annotated[str | None, "enabled or disabled; null for nothing"]
    note: Annotated[str | None, "what else is to be known, or null"]


class BootDocument(TypedDict):
    """What enable and disable print."""

    instances: Annotated[list[SwitchedInstance], "the instances"]
    started_or_stopped: Annotated[list[ControlledInstance], "with --now, what became of them"]
    problems: Annotated[list[ProblemDocument], "what stands against it, each with a remedy"]


class WaitingDomain(TypedDict):
    """A recipient domain in QueueDocument."""

    domain: Annotated[str, "the domain; a local recipient's address where it has none"]
    recipients: Annotated[int, "recipients there"]
    by_age: Annotated[list[int], "the same by age: one number for each of ages_minutes, one more"]


class WaitingReason(TypedDict):
    """A reason in QueueDocument."""

    reason: Annotated[str, "the reason for the delay, without servers, addresses and numbers"]
    recipients: Annotated[int, "recipients that have it"]


class InstanceQueueDocument(TypedDict):
    """An instance in QueueDocument."""

    name: Annotated[str, "the instance's name"]
    directory: Annotated[str, "its configuration directory"]
    running: Annotated[bool | None, "whether it runs; null if only root may know"]
    complete: Annotated[bool, "whether all of its queue was read; else the figures are too low"]
    queues: Annotated[QueueFigures, "messages by queue"]
    messages: Annotated[int, "all of them"]
    bytes: Annotated[int, "their size"]
    oldest_seconds: Annotated[int | None, "the age of the oldest; null for an empty queue"]
    saturated: Annotated[list[str], "services that have no process left for the mail that waits"]
    domains: Annotated[list[WaitingDomain], "the 10 domains with most recipients"]
    reasons: Annotated[list[WaitingReason], "the 10 reasons that most recipients have"]
    ages_minutes: Annotated[list[int], "the upper ends of by_age; the last number is what is older"]


class QueueDocument(TypedDict):
    """What queue prints."""

    instances: Annotated[list[InstanceQueueDocument], "the instances, what needs looking at first"]
    ids: NotRequired[Annotated[list[str], "with --ids only: the queue IDs; no instances then"]]
    problems: Annotated[list[ProblemDocument], "queues that cannot be read, instances not served"]


class WhichDocument(TypedDict):
    """What which prints."""

    command: Annotated[str, "the wrapper's name"]
    instance: Annotated[str, "the instance's name"]
    directory: Annotated[str, "its configuration directory"]
    runs: Annotated[str, "the program that the wrapper runs, as a shell line"]
    file: Annotated[str, "the wrapper's path"]
    kind: Annotated[str, "shell script, or native program for a machine"]
    state: Annotated[str, "installed, outdated or missing"]
    means: Annotated[str, "the shell line that does the same without the wrapper"]


class NextHop(TypedDict):
    """A next hop in MapDocument."""

    to: Annotated[str, "the next hop as the configuration has it"]
    by: Annotated[str, "the parameter that names it, or the program of a content filter"]
    domains: Annotated[list[str], "the keys of tables that lead there; empty for a plain setting"]
    instances: Annotated[list[str], "the instances of this host that it reaches"]
    fault: Annotated[str | None, "why mail cannot go there; null where nothing is known against it"]
    today: NotRequired[Annotated[int, "with --counts only: the messages that went there today"]]


class MappedInstance(TypedDict):
    """An instance in MapDocument."""

    name: Annotated[str, "the instance's name"]
    directory: Annotated[str, "its configuration directory"]
    error: Annotated[str | None, "why its configuration cannot be read, or null"]
    state: Annotated[str | None, "running, idle or broken; null if only root may know"]
    listens_at: Annotated[list[str], "addresses with their ports"]
    hands_to: Annotated[list[NextHop], "where it sends mail by SMTP or LMTP"]
    delivers_to: Annotated[
        list[NextHop],
        "its other ways out: mailboxes, commands, the MX of recipients, tables that only Postfix "
        "itself can ask",
    ]


class MapDocument(TypedDict):
    """What map prints."""

    instances: Annotated[list[MappedInstance], "the instances"]
    filter_hands_to: Annotated[list[NextHop], "where content filters send mail after filtering"]


class LogLine(TypedDict):
    """A line of a log."""

    time: Annotated[str, "ISO 8601; the year is guessed where the log has none"]
    instance: Annotated[str, "the instance's name"]
    tag: Annotated[str, "the line's tag, syslog_name/program"]
    pid: Annotated[int | None, "the process, or null"]
    queue_id: Annotated[str | None, "the queue ID, or null"]
    message: Annotated[str, "the rest of the line"]


class LogDocument(TypedDict):
    """What log prints."""

    lines: Annotated[list[LogLine], "the lines, in the order of time"]
    problems: Annotated[list[ProblemDocument], "logs that cannot be read"]


class PassageDocument(TypedDict):
    """A message's stay in one instance."""

    instance: Annotated[str, "the instance's name"]
    directory: Annotated[str, "its configuration directory"]
    queue_id: Annotated[str | None, "the message's queue ID there; null if it was refused"]
    message_ids: Annotated[list[str], "its Message-IDs"]
    lines: Annotated[list[LogLine], "the log lines of it"]


class Stay(TypedDict):
    """A stay in StoryDocument."""

    instance: Annotated[str, "the instance's name"]
    queue_id: Annotated[str, "the queue ID there; empty if it was refused"]


class End(TypedDict):
    """How a message ended for some of its recipients."""

    recipients: Annotated[list[str], "the recipients; empty where the log names none"]
    state: Annotated[
        str,
        "delivered, queued, held, bounced, expired, refused, discarded, deleted or unknown",
    ]
    instance: Annotated[str, "the instance where it ended"]
    queue_id: Annotated[str | None, "the queue ID there; null if it was refused"]
    relay: Annotated[str | None, "the server that took or refused it last, as logged; or null"]
    seconds: Annotated[float, "how long it took, in all instances"]
    deferrals: Annotated[int, "how often it was deferred"]
    reason: Annotated[str | None, "the last reply or reason, or null"]
    sentence: Annotated[str, "the same in words"]


class StoryDocument(TypedDict):
    """A message in TraceDocument."""

    message_id: Annotated[str | None, "its Message-ID, or null"]
    sender: Annotated[str | None, "its envelope sender; null where the log has none"]
    stays: Annotated[list[Stay], "the instances it was in, in order"]
    ends: Annotated[list[End], "how it ended, recipients with equal ends together"]


class TraceDocument(TypedDict):
    """What trace prints."""

    passages: Annotated[list[PassageDocument], "one for each stay, in the order of time"]
    stories: Annotated[list[StoryDocument], "one for each message, in the order of time"]
    problems: Annotated[list[ProblemDocument], "logs that cannot be read"]


class StatsSums(TypedDict):
    """Sums in StatsDocument, counted as pflogsumm does."""

    received: Annotated[int, "messages received"]
    delivered: Annotated[int, "deliveries to recipients"]
    forwarded: Annotated[int, "deliveries that made a new message"]
    deferred: Annotated[int, "messages that were deferred at least once"]
    deferrals: Annotated[int, "attempts that were deferred"]
    bounced: Annotated[int, "recipients that bounced"]
    rejected: Annotated[int, "recipients and messages that were rejected"]
    reject_warnings: Annotated[int, "those that warn_if_reject would have rejected, and warnings"]
    held: Annotated[int, "messages that were put on hold"]
    discarded: Annotated[int, "messages that were discarded"]
    bytes_received: Annotated[int, "bytes of messages received"]
    bytes_delivered: Annotated[int, "bytes of deliveries"]


class DelayedStage(TypedDict):
    """A stage of delivery in StatsDocument; times in seconds."""

    stage: Annotated[str, "before_queue_manager, queue_manager, connection_setup or transmission"]
    deliveries: Annotated[int, "attempts that tell their delays"]
    median: Annotated[float, "half of them took no longer"]
    percentile_95: Annotated[float, "95 of 100 took no longer"]
    max: Annotated[float, "the longest"]


class StatsDomain(TypedDict):
    """A domain in StatsDocument; times in seconds."""

    domain: Annotated[str, "the domain, or an address or host without one"]
    messages: Annotated[int, "deliveries to it, or messages received from it"]
    bytes: Annotated[int, "their size"]
    deferrals: Annotated[int, "attempts to deliver to it that were deferred"]
    average_delay: Annotated[float, "of deliveries to it"]
    max_delay: Annotated[float, "the longest delay of deliveries to it and of deferrals"]


class StatsReason(TypedDict):
    """A reason in StatsDocument."""

    reason: Annotated[str, "the reason, without servers, addresses and numbers"]
    count: Annotated[int, "how often it was logged"]


class StatsOfInstance(TypedDict):
    """An instance in StatsDocument."""

    name: Annotated[str, "the instance's name"]
    directory: Annotated[str, "its configuration directory"]
    totals: Annotated[StatsSums, "its sums"]
    senders: Annotated[int, "different senders"]
    sender_domains: Annotated[int, "different domains of senders"]
    recipients: Annotated[int, "different recipients that mail was delivered to"]
    recipient_domains: Annotated[int, "different domains of these"]
    delays: Annotated[list[DelayedStage], "the delays by stage"]
    delivered_to: Annotated[list[StatsDomain], "the 10 domains that most was delivered to"]
    received_from: Annotated[list[StatsDomain], "the 10 domains that most was received from"]
    deferral_reasons: Annotated[list[StatsReason], "the 10 most frequent reasons"]
    bounce_reasons: Annotated[list[StatsReason], "the 10 most frequent reasons"]
    reject_reasons: Annotated[list[StatsReason], "the 10 most frequent reasons"]


class StatsDocument(TypedDict):
    """What stats prints."""

    since: Annotated[str | None, "ISO 8601, local time; null without --since"]
    instances: Annotated[list[StatsOfInstance], "the instances"]
    host: Annotated[StatsSums | None, "all together, each message once; null if NAMEs are given"]
    problems: Annotated[list[ProblemDocument], "logs that cannot be read"]


class RemedyChoice(TypedDict):
    """One of several remedies in CheckDocument."""

    when: Annotated[str, "what must be meant for this remedy to be the right one"]
    remedy: Annotated[str, "the shell line"]


class ReportedFinding(TypedDict):
    """A finding in CheckDocument."""

    code: Annotated[str, "one of the codes below"]
    severity: Annotated[str, "error, warning or note"]
    instance: Annotated[str | None, "a configuration directory; null for the whole host"]
    message: Annotated[str, "what is wrong"]
    remedy: Annotated[str, "the shell line that corrects it; empty where there are choices"]
    choices: Annotated[list[RemedyChoice], "the remedies, where the right one depends on intent"]
    source: Annotated[str, "the manual or document that says so"]


class CheckDocument(TypedDict):
    """What check prints."""

    checked: Annotated[list[str], "the configuration directories of the instances"]
    unseen: Annotated[list[str], "what this user cannot read"]
    findings: Annotated[list[ReportedFinding], "the findings, by instance"]


class FileChange(TypedDict):
    """A change in InstallationDocument."""

    action: Annotated[str, "add, update or remove"]
    path: Annotated[str, "the file"]


class InstallationDocument(TypedDict):
    """What install, diff and uninstall print."""

    changes: Annotated[list[FileChange], "what was done, or would be"]
    conflicts: Annotated[list[ProblemDocument], "foreign files in the way; then nothing is changed"]
    kept: Annotated[list[ProblemDocument], "edited files that were not touched"]
    problems: Annotated[list[ProblemDocument], "instances that were skipped, each with a remedy"]


class PackageDocument(TypedDict):
    """What package prints."""

    format: Annotated[str, "deb, rpm, pacman, apk or tar"]
    package: Annotated[str, "the package's name"]
    file: Annotated[str, "its path"]
    problems: Annotated[list[ProblemDocument], "instances that were skipped, each with a remedy"]


class TranscriptStep(TypedDict):
    """A step in ProvisionDocument."""

    title: Annotated[str, "what the step does"]
    shell: Annotated[str, "the shell lines that do it"]


class ProvisionDocument(TypedDict):
    """What create, role and remove print."""

    name: Annotated[str, "the instance's name"]
    directory: Annotated[str, "its configuration directory"]
    settled: Annotated[dict[str, str], "what was asked for or derived, by what it is called"]
    notes: Annotated[list[str], "what an administrator should know"]
    steps: NotRequired[Annotated[list[TranscriptStep], "with --dry-run only: the steps"]]
    done: NotRequired[Annotated[str, "without --dry-run only: how it ended"]]


class EditedSetting(TypedDict):
    """A setting that was changed by hand, in AppliedInstance."""

    place: Annotated[str, "the configuration directory, file or network device that has it"]
    name: Annotated[str, "the parameter, or the line of master.cf"]
    declared: Annotated[str | None, "its value as declared; null for not there"]
    found: Annotated[str | None, "its value as it is; null for not there"]


class AppliedInstance(TypedDict):
    """An instance in ApplyDocument."""

    name: Annotated[str, "the instance's name"]
    directory: Annotated[str | None, "its configuration directory; null where it is gone"]
    state: Annotated[str, "present, stopped or absent, as declared"]
    action: Annotated[str, "created, changed, removed or unchanged: what was done, or would be"]
    settled: Annotated[dict[str, str], "what was asked for or derived, by what it is called"]
    notes: Annotated[list[str], "what an administrator should know"]
    drift: Annotated[list[EditedSetting], "what was changed by hand"]


class ApplyDocument(TypedDict):
    """What apply prints."""

    changed: Annotated[bool, "whether anything was changed, or would be"]
    instances: Annotated[list[AppliedInstance], "the declared instances, in order of what was done"]
    problems: Annotated[list[ProblemDocument], "instances that were left out, each with a remedy"]
    diff: NotRequired[Annotated[str, "with --diff only: a unified diff of main.cf and master.cf"]]
    others: NotRequired[Annotated[list[str], "with --diff only: the other changes"]]
    steps: NotRequired[Annotated[list[TranscriptStep], "with --dry-run only: the steps"]]


class ExportedFile(TypedDict):
    """A file in ExportDocument."""

    setting: Annotated[str, "the parameter that names it"]
    path: Annotated[str, "the file"]


class ExportDocument(TypedDict):
    """What export prints."""

    toml: Annotated[str, "the declaration"]
    files: Annotated[list[ExportedFile], "tables, keys and certificates that must exist"]
    problems: Annotated[list[ProblemDocument], "instances that were left out, each with a remedy"]
