"""Remedies: lines of shell to paste into a root shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig


def both(*commands: str) -> str:
    """Return ``commands`` as one line, each run if the one before it went well."""
    return " && ".join(filter(None, commands))


def quoted(word: str) -> str:
    """Return ``word`` for a shell; what a terminal cannot show or paste is spelt out."""
    if word.isprintable() and word.isascii():
        return shlex.quote(word)
    spelt = "".join(_spelt(byte) for byte in word.encode("utf-8", "surrogateescape"))
    return f"\"$(printf '{spelt}')\""


def _spelt(byte: int) -> str:
    is_plain = 0x20 <= byte < 0x7F and chr(byte) not in "'\\%"
    return chr(byte) if is_plain else f"\\{byte:03o}"


def literal(text: str, delimiter: str) -> str:
    """Return ``text`` as a basic regular expression that matches it alone, in s/// of sed(1)."""
    special = frozenset(rf"][\.*^${delimiter}")
    return "".join(f"\\{c}" if c in special else c for c in text)


def words(*arguments: str) -> str:
    """Return ``arguments`` as a command line."""
    return " ".join(map(quoted, arguments))


def tool(instance: InstanceConfig, program: str, *arguments: str) -> str:
    """Return a command of Postfix for ``instance``; the default one needs no -c."""
    chosen = () if instance.is_default else ("-c", instance.directory)
    return words(program, *chosen, *arguments)


def install(picture: Picture, *arguments: str) -> str:
    """Return the command that brings the installed commands up to date."""
    return words("postwrap", "install", *picture.installed.options, *arguments)


def edit(instance: InstanceConfig, **settings: str) -> str:
    """Return the command that sets ``settings`` in main.cf."""
    pairs = (f"{name}={value}" for name, value in settings.items())
    return tool(instance, "postconf", "-e", *pairs)


def drop(instance: InstanceConfig, names: Iterable[str]) -> str:
    """Return the command that takes ``names`` out of main.cf, so that they have their defaults."""
    return tool(instance, "postconf", "-X", *names)


def silence(instance: InstanceConfig, *patterns: str) -> str:
    """Return the command that turns off the services ``patterns``: master_service_disable.

    The first pattern that matches decides, so these come before the others.
    """
    words = dict.fromkeys((*patterns, *instance.words("master_service_disable")))
    return edit(instance, master_service_disable=", ".join(words))


def override(instance: InstanceConfig, service: str, parameter: str, value: str) -> str:
    """Return the command that sets ``parameter`` in main.cf, or in ``service`` of master.cf.

    postconf -P takes no white space in a value; a list needs none.
    """
    if not service:
        return edit(instance, **{parameter: value})
    plain = re.sub(r"[\s,]+", ",", value)
    return tool(instance, "postconf", "-P", f"{service}/{parameter}={plain}")


def reload(instance: InstanceConfig) -> str:
    """Return the command that makes a running instance read its configuration again."""
    return "" if instance.running is False else tool(instance, "postfix", "reload")


def restart(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command that stops and starts a running instance.

    A change of inet_interfaces or queue_directory needs it: postconf(5), inet_interfaces. Where
    systemd runs it, its unit is to have the new processes, whoever started the old ones. Where
    master(8) waits for its postlogd(8), postfix stop would wait too; without the socket it writes
    to maillog_file itself, and the start makes the socket again.
    """
    if instance.running is False:
        return ""
    stop = _unblocked(instance, tool(instance, "postfix", "stop"))
    if unit := _unit(picture, instance):
        return both(stop, words("systemctl", "restart", unit))
    return both(stop, tool(instance, "postfix", "start"))


def _unblocked(instance: InstanceConfig, stop: str) -> str:
    """Return ``stop`` so that it works where master(8) is blocked.

    The full socket of its postlogd(8) goes first. postfix stop then waits for five seconds, ends
    master(8) by force and fails: conf/postfix-script in Postfix's source.
    """
    if not instance.master or not instance.is_blocked:
        return stop
    service = instance.get("postlog_service_name") or "postlog"
    socket = f"{instance.master.queue_directory}/public/{service}"
    return both(words("rm", "-f", socket), f"{{ {stop} || true; }}")


def start(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command that starts a stopped instance, "" for one that runs.

    A unit whose master(8) has died may count as active: to start it would do nothing.
    """
    if instance.running is not False:
        return ""
    if unit := _unit(picture, instance):
        return words("systemctl", "restart", unit)
    return tool(instance, "postfix", "start")


def _unit(picture: Picture, instance: InstanceConfig) -> str:
    """Return the systemd unit that ``instance`` runs under, "" where none is known."""
    if not picture.host.runs_systemd:
        return ""
    if place := picture.host.places.get(instance.directory):
        return place.unit
    return next((u.name for u in picture.host.units or () if u.directory == instance.directory), "")


def fill_jail(picture: Picture, instance: InstanceConfig, queue: str = "") -> str:
    """Return the command that fills the chroot jail as this system does it.

    Debian 13 fills it in ``postfix check``; Debian 12 by a script that its unit runs, which takes
    any instance from MAIL_CONFIG; elsewhere nothing does, and the files are copied.
    """
    if picture.host.jail_method.filler == "check":
        return tool(instance, "postfix", "check")
    if picture.host.jail_method.filler:
        chosen = f"MAIL_CONFIG={quoted(instance.directory)} "
        return f"{chosen}{quoted(picture.host.jail_method.filler)} -"
    jail = quoted(queue or instance.get("queue_directory"))
    files = " ".join(f"/{name}" for name in sorted(instance.jail))
    return f"mkdir -p {jail}/etc && cp -pL {files} {jail}/etc/"
