"""The options and operands of Postfix's commands, by command: postfix(1), postconf(1) and so on.

A new option of Postfix is one line here. tests/unit/test_catalog.py compares the table with the
manuals of the Postfix that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping

from postwrap.catalog.usage import END, Kind, Operands, Option, Usage, Value

ALL_QUEUES = ("incoming", "active", "deferred", "hold")
"""Where postsuper looks for a message unless it is told (postsuper(1), -d)."""

QUEUES = (*ALL_QUEUES, "maildrop", "corrupt")
LOG_QUEUES = ("bounce", "defer", "trace", "flush")
"""The queues that hold logs and no messages; postsuper repairs them too."""

SUBCOMMANDS = {
    "start": "start the mail system",
    "stop": "stop, once what runs has ended",
    "reload": "read the configuration again",
    "status": "tell whether it runs",
    "check": "warn of bad owners and modes, make missing directories",
    "flush": "try to deliver all deferred mail",
    "abort": "stop at once",
    "start-fg": "start, and stay in the foreground",
    "logrotate": "rotate maillog_file",
    "set-permissions": "put owners and modes right",
    "upgrade-configuration": "add what this Postfix needs to main.cf and master.cf",
    "tls": "keys and certificates",
}
TLS_SUBCOMMANDS = {
    "enable-client": "make the SMTP client use TLS where it can",
    "enable-server": "make the SMTP server offer TLS, with a new key",
    "new-server-key": "make a new key and certificate, not yet used",
    "new-server-cert": "make a new certificate for the key in use",
    "deploy-server-cert": "use this certificate and key",
    "output-server-csr": "print a certificate signing request",
    "output-server-tlsa": "print TLSA records",
    "all-default-client": "tell whether the SMTP client's TLS settings are the defaults",
    "all-default-server": "tell whether the SMTP server's TLS settings are the defaults",
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


_OTHER_INSTANCE = Option("-c", "take another configuration directory", _CONFIG_DIRECTORY)
_VERBOSE = Option("-v", "verbose; repeat for more")

_TABLE = (
    Option("-f", "keep the case of the lookup key"),
    Option("-i", "add entries from standard input to what is there"),
    Option("-N", "put a null byte after keys and values"),
    Option("-n", "put no null byte after keys and values"),
    Option("-o", "keep root privileges for input that is not root's"),
    Option("-p", "do not take over the input file's permissions"),
    Option("-q", "print the value of a key", _KEY),
    Option("-r", "replace entries that are there, silently"),
    Option("-s", "print all entries"),
    Option("-u", "no UTF-8 checks"),
    Option("-w", "keep entries that are there, silently"),
    Option("-d", "remove a key", _KEY),
)
"""What postmap and postalias have in common."""

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
            Option("-b", "print bounce texts with their values put in"),
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
            Option("-o", "act as if main.cf had this setting", _SETTING),
            Option("-p", "main.cf parameters: the default"),
            Option("-P", "the -o parameters of master.cf entries"),
            Option("-q", "no warnings of deprecated or unused parameters", since="3.9"),
            Option("-t", "print bounce templates as they are"),
            Option("-T", "show what TLS can do",
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
            Option("-i", "try to deliver one message",
                   Value("queue ID", Kind.QUEUE_ID, ("deferred",))),
            Option("-j", "list the queue as JSON, one message a line"),
            Option("-p", "list the queue"),
            Option("-s", "try to deliver all mail to one site", Value("site", Kind.SITE)),
            Option("-v", "verbose, superuser only"),
        ),
    ),
    "postsuper": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-d", "delete a message", _QUEUE_IDS),
            Option("-e", "expire a message: return it at the next attempt", _QUEUE_IDS),
            Option("-f", "expire a message, and release it if it is on hold", _QUEUE_IDS),
            Option("-h", "put a message on hold",
                   Value("queue ID", Kind.QUEUE_IDS, ("incoming", "active", "deferred"))),
            Option("-H", "release a message from hold",
                   Value("queue ID", Kind.QUEUE_IDS, ("hold",))),
            Option("-p", "purge temporary files that a crash left"),
            Option("-r", "requeue a message: cleanup looks at it again", _QUEUE_IDS),
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
            Option("-U", "with -b and -h: check UTF-8 all the same"),
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
            Option("-r", "the internal protocol of sendmail(1): the only one"),
            Option("-v", "verbose, superuser only"),
        ),
    ),
    "postlog": Usage(
        options=(
            _OTHER_INSTANCE,
            Option("-i", "log the process ID: obsolete, it always is"),
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
            Option("-c", "no SMTP chat, TLS information alone"),
            Option("-C", "print the server's certificate chain as PEM"),
            Option("-d", "digest of fingerprints", _word("digest", *DIGESTS)),
            Option("-f", "look up TLSA records of hosts in unsigned zones too"),
            Option("-F", "PEM file of CA certificates", _FILE),
            Option("-g", "lowest cipher grade",
                   _word("grade", "export", "low", "medium", "high", "null")),
            Option("-h", "how to look up the host", _words("lookup,...", "dns", "native")),
            Option("-H", "PEM files of client key and certificate chains", _FILE),
            Option("-k", "PEM file of the client's certificate", _FILE),
            Option("-K", "PEM file of the client's key", _FILE),
            Option("-l", "TLS security level", _word("level", *LEVELS)),
            Option("-L", "what of TLS to log", _words("option,...", *LOG_OPTIONS)),
            Option("-m", "how often to reconnect, with -r", Value("count")),
            Option("-M", "policy where the MX record is not signed",
                   _word("policy", "dane", "encrypt", "may")),
            Option("-o", "act as if main.cf had this setting", _SETTING),
            Option("-p", "TLS protocols",
                   _word("protocols", ">=TLSv1", ">=TLSv1.1", ">=TLSv1.2", ">=TLSv1.3")),
            Option("-P", "directory of CA certificates", Value("directory", Kind.DIRECTORY)),
            Option("-r", "reconnect after so many seconds, to see the session reused", _SECONDS),
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
            Option("-p", "sum up parent domains too"),
            Option("-m", "subdomains that make a parent domain worth a line", Value("count")),
            Option("-b", "number of age columns", Value("count")),
            Option("-t", "minutes of the first age column", Value("minutes")),
            Option("-l", "age columns of equal width"),
            Option("-w", "width of the terminal", Value("columns")),
            Option("-N", "show progress every so many messages", Value("count")),
            Option("-n", "show so many domains at most", Value("count")),
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
            Option("-bv", "try the addresses, deliver nothing, and mail a report"),
            Option("-C", "take another configuration directory",
                   _CONFIG_DIRECTORY),
            Option("-F", "full name of the sender", Value("full name")),
            Option("-f", "envelope sender", _SENDER),
            Option("-G", "gateway submission: leave incomplete addresses alone"),
            Option("-h", "ignored", _IGNORED),
            Option("-I", "build the alias databases"),
            Option("-i", "a line with only a dot does not end the message"),
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
            Option("-oi", "a line with only a dot does not end the message"),
            Option("-om", "ignored"),
            Option("-o", "ignored", _IGNORED),
            Option("-r", "envelope sender", _SENDER),
            Option("-R", "how much of a bounced message to return",
                   _word("return", "hdrs", "full")),
            Option("-q", "try to deliver all deferred mail"),
            Option("-qI", "try to deliver one message",
                   Value("queue ID", Kind.QUEUE_ID, ("deferred",), attached=True)),
            Option("-qR", "try to deliver all mail to one site",
                   Value("site", Kind.SITE, attached=True)),
            Option("-qS", "not implemented", Value("site", attached=True)),
            Option("-t", "take the recipients from the message's header"),
            Option("-U", "ignored"),
            Option("-V", "envelope ID for notifications", Value("envelope ID")),
            Option("-XV", "VERP: a sender address of its own for each recipient",
                   Value("delimiters", attached=True)),
            Option("-v", "mail a report of the first delivery attempt"),
            Option("-X", "ignored", _IGNORED),
        ),
        operands=(Operands((Value("recipient"),)),),
    ),
    "mailq": Usage(
        options=(
            Option("-C", "take another configuration directory",
                   _CONFIG_DIRECTORY),
            Option("-v", "verbose, superuser only"),
        ),
    ),
    "newaliases": Usage(
        options=(
            Option("-C", "take another configuration directory",
                   _CONFIG_DIRECTORY),
            Option("-oA", "another alias database",
                   Value("type:file", Kind.ALIASES, attached=True)),
            _VERBOSE,
        ),
    ),
}  # fmt: skip
"""Every command of the catalog. mailq and newaliases are sendmail by other names, and get of its
options those that mean something to them; their synopsis has none (sendmail(1))."""
