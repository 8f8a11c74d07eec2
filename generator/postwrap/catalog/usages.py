"""The options and operands of Postfix's commands, by command: postfix(1), postconf(1) and so on.

A new option of Postfix is one line here. tests/unit/test_catalog.py compares the table with the
manuals of the Postfix that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping

from postwrap.catalog.usage import END, Kind, Operands, Option, Usage, Value

ALL_QUEUES = ("incoming", "active", "deferred", "hold")
"""The queues that postsuper searches by default (postsuper(1), -d)."""

QUEUES = (*ALL_QUEUES, "maildrop", "corrupt")
LOG_QUEUES = ("bounce", "defer", "trace", "flush")
"""The queues of logs, not of messages; postsuper repairs them too."""

SUBCOMMANDS = {
    "start": "start the mail system",
    "stop": "stop the mail system, letting running processes finish",
    "reload": "re-read the configuration",
    "status": "report whether the mail system runs",
    "check": "warn about wrong owners and permissions, create missing directories",
    "flush": "attempt to deliver all deferred mail",
    "abort": "stop at once",
    "start-fg": "start in the foreground",
    "logrotate": "rotate maillog_file",
    "set-permissions": "set owners and permissions",
    "upgrade-configuration": "update main.cf and master.cf for this Postfix version",
    "tls": "manage TLS keys and certificates",
}
TLS_SUBCOMMANDS = {
    "enable-client": "enable opportunistic TLS in the SMTP client",
    "enable-server": "enable opportunistic TLS in the SMTP server, with a new key",
    "new-server-key": "create a new key and certificate, without deploying them",
    "new-server-cert": "create a new certificate for the current key",
    "deploy-server-cert": "deploy a certificate and key",
    "output-server-csr": "print a certificate signing request",
    "output-server-tlsa": "print TLSA records",
    "all-default-client": "report whether the SMTP client has the default TLS settings",
    "all-default-server": "report whether the SMTP server has the default TLS settings",
}
DIGESTS = ("sha256", "sha384", "sha512", "sha1", "md5")
LEVELS = ("none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
LOG_OPTIONS = (
    "none", "routine", "summary", "debug", "ssl-expert", "ssl-developer", "ssl-debug",
    "ssl-handshake-packet-dump", "ssl-session-packet-dump", "untrusted", "peercert", "certmatch",
    "cache", "verbose",
)  # fmt: skip

_TEXT = Value("text")
_KEY = Value("key")
_SECONDS = Value("seconds")
_FILE = Value("file", Kind.FILE)
_SENDER = Value("sender")
_MAP = Value("type:file", Kind.MAP)
_ALIASES = Value("type:file", Kind.ALIASES)
_IGNORED = Value("ignored")
_SETTING = Value("name=value", Kind.SETTING)
_QUEUE_IDS = Value("queue ID", Kind.QUEUE_IDS, ALL_QUEUES)
_QUEUE_NAMES = Value("queue", Kind.WORD, QUEUES)
_CONFIG_DIRECTORY = Value("directory", Kind.DIRECTORY)


def _word(name: str, *words: str) -> Value:
    return Value(name, Kind.WORD, words)


def _words(name: str, *words: str) -> Value:
    return Value(name, Kind.WORDS, words)


_OTHER_INSTANCE = Option("-c", "use another configuration directory", _CONFIG_DIRECTORY)
_VERBOSE = Option("-v", "verbose; repeat for more")

_TABLE = (
    Option("-f", "keep the case of the lookup key"),
    Option("-i", "add entries from standard input"),
    Option("-N", "put a null byte after keys and values"),
    Option("-n", "put no null byte after keys and values"),
    Option("-o", "keep root privileges for input files of other users"),
    Option("-p", "do not copy the input file's permissions"),
    Option("-q", "print the value of a key", _KEY),
    Option("-r", "replace duplicate entries without a warning"),
    Option("-s", "print all entries"),
    Option("-u", "disable UTF-8 checks"),
    Option("-w", "ignore duplicate entries without a warning"),
    Option("-d", "remove a key", _KEY),
)
"""Options that postmap and postalias share."""

USAGES: Mapping[str, Usage] = {
    "postfix": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-D", "run each daemon under debugger_command at start"),
            _VERBOSE,
        ),
        operands=(
            Operands((_word("command", "tls"), _word("tls command", *TLS_SUBCOMMANDS), _FILE),
                     first="tls"),
            Operands((_word("command", "set-permissions"), _SETTING), first="set-permissions"),
            Operands((_word("command", "upgrade-configuration"), _SETTING),
                     first="upgrade-configuration"),
            Operands((_word("command", *SUBCOMMANDS), END)),
        ),
        meanings=SUBCOMMANDS | TLS_SUBCOMMANDS,
    ),
    "postconf": Usage(
        options=(
            Option("-a", "list the SASL plug-ins of the SMTP server"),
            Option("-A", "list the SASL plug-ins of the SMTP client"),
            Option("-b", "print bounce templates with $name expanded"),
            _OTHER_INSTANCE,
            Option("-C", "show parameters of these classes only",
                   _words("class,...", "builtin", "service", "user", "all")),
            Option("-d", "show defaults, not settings"),
            Option("-e", "edit: set name=value"),
            Option("-f", "fold long lines"),
            Option("-F", "the fields of master.cf entries"),
            Option("-h", "show values without names"),
            Option("-H", "show names without values"),
            Option("-l", "list the mailbox locking methods"),
            Option("-m", "list the lookup table types"),
            Option("-M", "master.cf entries"),
            Option("-n", "show only what main.cf sets"),
            Option("-o", "override a setting of main.cf", _SETTING),
            Option("-p", "main.cf parameters: the default"),
            Option("-P", "the -o parameters of master.cf entries"),
            Option("-q", "no warnings of deprecated or unused parameters", since="3.9"),
            Option("-t", "print bounce templates without expansion"),
            Option("-T", "show TLS features",
                   _word("mode", "compile-version", "run-version", "public-key-algorithms")),
            _VERBOSE,
            Option("-x", "expand $name in values"),
            Option("-X", "edit: remove"),
            Option("-#", "edit: comment out"),
        ),
        operands=(
            Operands((END,), given="aAlmT"),
            Operands((_FILE, END), given="bt"),
            Operands((Value("service/type/field", Kind.FIELD),), given="F"),
            Operands((Value("service/type/parameter", Kind.SERVICE_PARAMETER),), given="P"),
            Operands((Value("service/type", Kind.SERVICE),), given="M"),
            Operands((Value("parameter", Kind.SET_PARAMETER),), given="X#n"),
            Operands((Value("parameter", Kind.PARAMETER),)),
        ),
    ),
    "postqueue": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-f", "flush: try to deliver all deferred mail"),
            Option("-i", "attempt to deliver one message",
                   Value("queue ID", Kind.QUEUE_ID, ("deferred",))),
            Option("-j", "list the queue as JSON, one message a line"),
            Option("-p", "list the queue"),
            Option("-s", "attempt to deliver all mail to one site", Value("site", Kind.SITE)),
            Option("-v", "verbose, superuser only"),
        ),
    ),
    "postsuper": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-d", "delete a message", _QUEUE_IDS),
            Option("-e", "expire a message: return it at the next delivery attempt", _QUEUE_IDS),
            Option("-f", "expire a message, and release it if it is on hold", _QUEUE_IDS),
            Option("-h", "put a message on hold",
                   Value("queue ID", Kind.QUEUE_IDS, ("incoming", "active", "deferred"))),
            Option("-H", "release a message from hold",
                   Value("queue ID", Kind.QUEUE_IDS, ("hold",))),
            Option("-p", "purge temporary files left by a crash"),
            Option("-r", "requeue a message: cleanup processes it again", _QUEUE_IDS),
            Option("-s", "check and repair the queue's structure"),
            Option("-S", "the same as -s, even for files that need no repair"),
            _VERBOSE,
        ),
        operands=(Operands((_word("queue", *QUEUES, *LOG_QUEUES),)),),
    ),
    "postcat": Usage(
        options=(
            Option("-b", "show the body"),
            _OTHER_INSTANCE,
            Option("-d", "show record types as numbers"),
            Option("-e", "show the envelope"),
            Option("-f", "begin each line with the name of the file", since="3.10"),
            Option("-h", "show the header"),
            Option("-o", "show the offset of each record"),
            Option("-q", "the operands are queue IDs"),
            Option("-r", "show records in file order, not following pointers"),
            Option("-s", "begin at a byte of the file", Value("offset")),
            _VERBOSE,
        ),
        operands=(
            Operands((Value("queue ID", Kind.QUEUE_ID, QUEUES),), given="q"),
            Operands((_FILE,)),
        ),
    ),
    "postmap": Usage(
        options=(
            Option("-b", "with -q -: look up each body line of a message"),
            _OTHER_INSTANCE,
            *_TABLE,
            Option("-F", "values are names of files: store the files, as base64"),
            Option("-h", "with -q -: look up each header of a message"),
            Option("-m", "with -b and -h: parse MIME"),
            Option("-U", "with -b and -h: force UTF-8 checks"),
            _VERBOSE,
        ),
        operands=(Operands((_MAP,)),),
    ),
    "postalias": Usage(
        options=(_OTHER_INSTANCE, *_TABLE, _VERBOSE),
        operands=(Operands((_ALIASES,)),),
    ),
    "postdrop": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-r", "the internal protocol of sendmail(1), the only one"),
            Option("-v", "verbose, superuser only"),
        ),
    ),
    "postlog": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-i", "log the process ID; obsolete, always on"),
            Option("-p", "severity", _word("priority", "info", "warn", "error", "fatal", "panic")),
            Option("-t", "name at the front of the log line", Value("tag", Kind.LOG_TAG)),
            _VERBOSE,
        ),
        operands=(Operands((_TEXT,)),),
    ),
    "postkick": Usage(
        options=(_OTHER_INSTANCE, _VERBOSE),
        operands=(
            Operands((_word("class", "public", "private"), Value("service", Kind.ENDPOINT),
                      Value("request"))),
        ),
    ),
    "postlock": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-l", "locking method", Value("lock style", Kind.LOCK_STYLE)),
            _VERBOSE,
        ),
        operands=(Operands((_FILE, Value("command", Kind.COMMAND))),),
    ),
    "posttls-finger": Usage(
        options=(
            Option("-a", "address family", _word("family", "ipv4", "ipv6", "any")),
            Option("-A", "PEM file of a trust anchor", _FILE),
            Option("-c", "show TLS information only, no SMTP chat"),
            Option("-C", "print the server's certificate chain as PEM"),
            Option("-d", "digest of fingerprints", _word("digest", *DIGESTS)),
            Option("-f", "look up TLSA records even in unsigned zones"),
            Option("-F", "PEM file of CA certificates", _FILE),
            Option("-g", "lowest cipher grade",
                   _word("grade", "export", "low", "medium", "high", "null")),
            Option("-h", "how to look up the host", _words("lookup,...", "dns", "native")),
            Option("-H", "PEM files of client key and certificate chains", _FILE),
            Option("-k", "PEM file of the client's certificate", _FILE),
            Option("-K", "PEM file of the client's key", _FILE),
            Option("-l", "TLS security level", _word("level", *LEVELS)),
            Option("-L", "TLS events to log", _words("option,...", *LOG_OPTIONS)),
            Option("-m", "number of reconnections, with -r", Value("count")),
            Option("-M", "policy where the MX record is not signed",
                   _word("policy", "dane", "encrypt", "may")),
            Option("-o", "override a setting of main.cf", _SETTING),
            Option("-p", "TLS protocols",
                   _word("protocols", ">=TLSv1", ">=TLSv1.1", ">=TLSv1.2", ">=TLSv1.3")),
            Option("-P", "directory of CA certificates", Value("directory", Kind.DIRECTORY)),
            Option("-r", "reconnect after a delay, to test session reuse", _SECONDS),
            Option("-R", "look up SRV records, not MX", since="3.8"),
            Option("-s", "server name to send, for SNI", Value("name")),
            Option("-S", "speak LMTP, not SMTP"),
            Option("-t", "time limit of the connection", _SECONDS),
            Option("-T", "time limit of an SMTP or LMTP command", _SECONDS),
            _VERBOSE,
            Option("-w", "TLS from the first byte, as on port 465"),
            Option("-x", "prefer raw public keys to certificates", since="3.9"),
            Option("-X", "through tlsproxy(8), for developers"),
        ),
        operands=(Operands((Value("destination"), Value("match"))),),
    ),
    "qshape": Usage(
        options=(
            Option("-s", "by sender domain, not recipient domain"),
            Option("-p", "show totals of parent domains"),
            Option("-m", "minimum number of subdomains of a listed parent domain", Value("count")),
            Option("-b", "number of age columns", Value("count")),
            Option("-t", "minutes of the first age column", Value("minutes")),
            Option("-l", "age columns of equal width"),
            Option("-w", "width of the terminal", Value("columns")),
            Option("-N", "number of messages between progress reports", Value("count")),
            Option("-n", "maximum number of domains", Value("count")),
            _OTHER_INSTANCE,
        ),
        operands=(Operands((_QUEUE_NAMES,)),),
    ),
    "sendmail": Usage(
        options=(
            Option("-Am", "ignored"),
            Option("-Ac", "ignored"),
            Option("-B", "body type", _word("type", "7BIT", "8BITMIME")),
            Option("-bd", "start the mail system"),
            Option("-bh", "ignored"),
            Option("-bH", "ignored"),
            Option("-bi", "build the alias databases"),
            Option("-bl", "start the mail system, as -bd"),
            Option("-bm", "submit a message from standard input: the default"),
            Option("-bp", "list the queue"),
            Option("-bs", "speak SMTP on standard input and output"),
            Option("-bv", "verify the addresses without delivery and mail a report"),
            Option("-C", "use another configuration directory",
                   _CONFIG_DIRECTORY),
            Option("-F", "full name of the sender", Value("full name")),
            Option("-f", "envelope sender", _SENDER),
            Option("-G", "gateway submission: do not complete addresses"),
            Option("-h", "ignored", _IGNORED),
            Option("-I", "build the alias databases"),
            Option("-i", "do not end the message at a line with only a dot"),
            Option("-L", "ignored", _IGNORED),
            Option("-m", "ignored"),
            Option("-N", "when to notify the sender",
                   _words("when,...", "failure", "delay", "success", "never")),
            Option("-n", "ignored"),
            Option("-oA", "another alias database",
                   Value("type:file", Kind.ALIASES, attached=True)),
            Option("-O", "ignored", _IGNORED),
            Option("-o7", "ignored"),
            Option("-o8", "ignored"),
            Option("-oi", "do not end the message at a line with only a dot"),
            Option("-om", "ignored"),
            Option("-o", "ignored", _IGNORED),
            Option("-r", "envelope sender", _SENDER),
            Option("-R", "how much of a bounced message to return",
                   _word("return", "hdrs", "full")),
            Option("-q", "attempt to deliver all deferred mail"),
            Option("-qI", "attempt to deliver one message",
                   Value("queue ID", Kind.QUEUE_ID, ("deferred",), attached=True)),
            Option("-qR", "attempt to deliver all mail to one site",
                   Value("site", Kind.SITE, attached=True)),
            Option("-qS", "not implemented", Value("site", attached=True)),
            Option("-t", "read the recipients from the message header"),
            Option("-U", "ignored"),
            Option("-V", "envelope ID for notifications", Value("envelope ID")),
            Option("-XV", "VERP: use a separate sender address for each recipient",
                   Value("delimiters", attached=True)),
            Option("-v", "mail a report of the first delivery attempt"),
            Option("-X", "ignored", _IGNORED),
        ),
        operands=(Operands((Value("recipient"),)),),
    ),
    "mailq": Usage(
        options=(
            Option("-C", "use another configuration directory",
                   _CONFIG_DIRECTORY),
            Option("-v", "verbose, superuser only"),
        ),
    ),
    "newaliases": Usage(
        options=(
            Option("-C", "use another configuration directory",
                   _CONFIG_DIRECTORY),
            Option("-oA", "another alias database",
                   Value("type:file", Kind.ALIASES, attached=True)),
            _VERBOSE,
        ),
    ),
}  # fmt: skip
"""Every command of the catalog. mailq and newaliases are sendmail under other names: they have the
options of sendmail that apply to them; their synopsis has none (sendmail(1))."""
