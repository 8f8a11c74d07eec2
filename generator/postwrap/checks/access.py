"""Who may use an instance, and who may change it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from postwrap.checks import remedies
from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.model import Hit, Severity, Theme

theme = Theme("access")

_REGISTERS = ("multi_instance_directories", "alternate_config_directories")


@theme.rule(
    "not-authorised",
    Severity.ERROR,
    "ordinary users may not submit to the instance or list its queue",
    "postconf(5) alternate_config_directories; postdrop(1), security: letter by letter",
)
def not_authorised(facts: Facts) -> Iterator[Hit]:
    """Yield secondaries that the default main.cf does not name letter by letter.

    postdrop and postqueue compare strings: no $name is expanded, a trailing slash is another name.
    Root is never asked, so root does not notice.
    """
    default = facts.default
    if default is None or default.error:
        return
    for instance in facts.instances:
        if instance.instance.is_default or instance.directory in facts.registered:
            continue
        message = f"postdrop and postqueue refuse it to ordinary users: {_why(facts, instance)}"
        yield Hit(instance.directory, message, register(default, instance.directory))


def _why(facts: Facts, instance: InstanceFacts) -> str:
    directory = instance.directory
    for word in facts.registered:
        if word.rstrip("/") == directory:
            return f"the default main.cf names {word}, and the spelling must be the same"
    if directory in facts.registered_expanded:
        return "the default main.cf names it by a $parameter, which is not expanded here"
    return f"the default main.cf names {directory} in neither {' nor '.join(_REGISTERS)}"


def register(default: InstanceFacts, directory: str, before: str = "") -> str:
    """Return the command that names ``directory``, in place of another spelling if there is one.

    ``before`` is what it was called so far.
    """
    for name in _REGISTERS:
        words = default.settings.get(name, "").replace(",", " ").split()
        old = {directory, before or directory}
        spelt = [directory if w.rstrip("/") in old else w for w in words]
        if spelt != words:
            return remedies.edit(default, **{name: ", ".join(dict.fromkeys(spelt))})
    words = default.settings.get(_REGISTERS[1], "").replace(",", " ").split()
    if directory in words:
        return ""
    return remedies.edit(default, **{_REGISTERS[1]: ", ".join((*words, directory))})


@theme.rule(
    "unreadable",
    Severity.ERROR,
    "ordinary users cannot read main.cf, so all they submit is refused",
    "sendmail(1), security: it reads main.cf with the caller's rights",
)
def unreadable(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose main.cf is not for all to read, or a directory not to pass."""
    for instance in facts.instances:
        shut = closed(instance)
        if not shut:
            continue
        modes = " && ".join(
            f"chmod o+{'x' if is_directory else 'r'} {remedies.quoted(path)}"
            for path, is_directory in shut
        )
        what = " and ".join(path for path, _ in shut)
        message = f"{what} cannot be read by ordinary users: what they submit fails with status 75"
        yield Hit(instance.directory, message, modes)


def closed(instance: InstanceFacts) -> list[tuple[str, bool]]:
    """Return what keeps ordinary users from main.cf, and whether each is a directory."""
    main = f"{instance.directory}/main.cf"
    above = [str(parent) for parent in reversed(PurePosixPath(main).parents)]
    files = instance.files
    shut = [(d, True) for d in above if d in files and not files[d].mode & 0o001]
    if main in files and not files[main].mode & 0o004:
        shut.append((main, False))
    return shut


@theme.rule(
    "writable",
    Severity.ERROR,
    "the configuration can be changed by others than root and mail_owner",
    "postfix(1), check: not owned by root, group or other writable",
)
def writable(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose configuration others may write: they would run programs as root."""
    for instance in facts.instances:
        if commands := opened(facts, instance):
            paths = ", ".join(commands)
            message = f"others than root and mail_owner may change {paths}"
            yield Hit(instance.directory, message, remedies.both(*commands.values()))


def opened(facts: Facts, instance: InstanceFacts) -> dict[str, str]:
    """Return what of the configuration others may write, each with the command that ends it.

    Whoever may write to a directory above can put another one in its place, unless it is sticky.
    """
    directory = instance.directory
    above = (str(parent) for parent in PurePosixPath(directory).parents)
    commands = {
        path: f"chmod o-w {remedies.quoted(path)}"
        for path in above
        if path in instance.files and instance.files[path].mode & 0o1002 == 0o002
    }
    for path in (directory, f"{directory}/main.cf", f"{directory}/master.cf"):
        status = instance.files.get(path)
        if not status:
            continue
        by_mode = status.mode & 0o002 or (status.mode & 0o020 and status.gid)
        by_owner = status.uid not in facts.owners
        name = remedies.quoted(path)
        if by_mode or by_owner:
            commands[path] = remedies.both(
                f"chown root {name}" if by_owner else "", f"chmod go-w {name}" if by_mode else ""
            )
    return commands


@theme.rule(
    "nobody-may-submit",
    Severity.WARNING,
    "authorized_submit_users is empty: every submission by sendmail is refused",
    "postconf(5) authorized_submit_users; postmulti(1) create sets it so",
)
def nobody_may_submit(facts: Facts) -> Iterator[Hit]:
    """Yield instances that postmulti made for SMTP alone and whose sendmail always fails."""
    for instance in facts.readable:
        name = "authorized_submit_users"
        if name in instance.settings and not instance.get(name):
            message = f"{name} is empty: everyone's submission by sendmail fails with status 75"
            yield Hit(instance.directory, message, remedies.drop(instance, [name]))


@theme.rule(
    "registered-missing",
    Severity.ERROR,
    "multi_instance_directories names what is no instance: postmulti fails for all",
    "postmulti(1): it reads every instance first",
)
def registered_missing(facts: Facts) -> Iterator[Hit]:
    """Yield the directories that postmulti, and Debian 12's units with it, stumble over."""
    default, name = facts.default, "multi_instance_directories"
    known = {i.directory for i in (*facts.instances, *facts.copies)}
    known |= {problem.subject for problem in facts.problems}
    words = default.words(name) if default else []
    missing = [word for word in words if word.rstrip("/") not in known]
    if default and missing:
        message = (
            f"{name} names {', '.join(missing)}, which is no instance: postmulti fails for all"
        )
        rest = ", ".join(word for word in words if word not in missing)
        yield Hit(default.directory, message, remedies.edit(default, **{name: rest}))
