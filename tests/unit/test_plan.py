"""Planning, on data alone: every file is ours or not, as written or not, wanted or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postwrap.bundle import Artifact, Bundle
from postwrap.diff import unified
from postwrap.entries import MISSING, Entry, EntryKind
from postwrap.install.manifest import FileRecord, Manifest
from postwrap.install.plan import Action, plan, transition

OLD = Artifact("/bin/mailq-out", b"old\n", 0o755, instance="/etc/postfix-out")
NEW = Artifact("/bin/mailq-out", b"new\n", 0o755, instance="/etc/postfix-out")


def entry(artifact: Artifact) -> Entry:
    if artifact.target is not None:
        return Entry(EntryKind.LINK, target=artifact.target)
    return Entry(EntryKind.FILE, artifact.mode, artifact.content)


def listing(*artifacts: Artifact) -> Manifest:
    return Manifest({artifact.path: FileRecord.of(artifact) for artifact in artifacts})


def test_add() -> None:
    planned = plan([NEW], Manifest(), {})
    assert [(c.action, c.path, c.after) for c in planned.changes] == [(Action.ADD, NEW.path, NEW)]
    assert planned.manifest == listing(NEW)


def test_update() -> None:
    planned = plan([NEW], listing(OLD), {OLD.path: entry(OLD)})
    assert [c.action for c in planned.changes] == [Action.UPDATE]
    assert not planned.changes[0].keep_backup


def test_nothing_to_do() -> None:
    assert plan([NEW], listing(NEW), {NEW.path: entry(NEW)}).changes == ()


def test_a_file_that_is_as_it_should_be_is_taken_over() -> None:
    planned = plan([NEW], Manifest(), {NEW.path: entry(NEW)})
    assert (planned.changes, planned.conflicts) == ((), ())
    assert planned.manifest == listing(NEW)


def test_a_mode_is_part_of_a_file() -> None:
    lax = Entry(EntryKind.FILE, 0o777, NEW.content)
    assert plan([NEW], listing(NEW), {NEW.path: lax}).conflicts


def test_a_foreign_file_is_a_conflict_unless_forced() -> None:
    foreign = {NEW.path: Entry(EntryKind.FILE, 0o755, b"mine\n")}
    for manifest in (Manifest(), listing(OLD)):
        planned = plan([NEW], manifest, foreign)
        assert planned.changes == ()
        assert [c.subject for c in planned.conflicts] == [NEW.path]
        forced = plan([NEW], manifest, foreign, force=True)
        assert [c.keep_backup for c in forced.changes] == [True]


def test_what_is_in_the_way_is_kept_and_the_others_are_done_where_that_is_asked() -> None:
    other = Artifact("/bin/postconf-out", b"new\n", 0o755, instance="/etc/postfix-out")
    foreign = {NEW.path: Entry(EntryKind.FILE, 0o755, b"mine\n")}
    for manifest in (Manifest(), listing(OLD)):
        planned = plan([NEW, other], manifest, foreign, keep=True)
        assert [c.path for c in planned.changes] == [other.path]
        assert planned.conflicts == ()
        assert [k.subject for k in planned.kept] == [NEW.path]
        # It is as much ours as it was before.
        assert planned.manifest.files.get(NEW.path) == manifest.files.get(NEW.path)


def test_what_a_package_brought_is_its_own() -> None:
    brought = Manifest({OLD.path: FileRecord.of(OLD)}, package="acme-out")
    here = Manifest(others=(brought,))
    planned = plan([NEW], here, {OLD.path: entry(OLD)}, force=True)
    assert (planned.changes, planned.conflicts, planned.kept) == ((), (), ())
    assert planned.manifest.files == {}
    assert here.package_of("/etc/postfix-out") == "acme-out"


def test_a_directory_in_the_way_stays_whoever_orders() -> None:
    planned = plan([NEW], Manifest(), {NEW.path: Entry(EntryKind.DIRECTORY)}, force=True)
    assert (planned.changes, len(planned.conflicts)) == ((), 1)


def test_what_is_not_wanted_goes_while_it_is_as_written() -> None:
    planned = plan([], listing(OLD), {OLD.path: entry(OLD)})
    assert [c.action for c in planned.changes] == [Action.REMOVE]
    edited = plan([], listing(OLD), {OLD.path: Entry(EntryKind.FILE, 0o755, b"mine\n")})
    assert edited.changes == ()
    assert [k.subject for k in edited.kept] == [OLD.path]


def test_what_is_out_of_scope_stays() -> None:
    planned = plan([], listing(OLD), {OLD.path: entry(OLD)}, lambda _instance: False)
    assert planned.changes == ()
    assert planned.manifest == listing(OLD)


@given(is_new=st.booleans())
def test_while_under_way_the_old_and_the_new_file_are_ours(is_new: bool) -> None:
    between = transition(listing(OLD), listing(NEW))
    assert between.under_way
    found = {NEW.path: entry(NEW if is_new else OLD)}
    assert plan([NEW], between, found).conflicts == ()
    assert [c.action for c in plan([], between, found).changes] == [Action.REMOVE]


def test_two_artifacts_of_one_path_are_a_problem() -> None:
    other = Artifact(NEW.path, b"other\n", 0o755, instance="/srv/out")
    bundle = Bundle([NEW, other])
    assert list(bundle) == [NEW]
    assert [p.subject for p in bundle.problems] == [NEW.path]


def test_a_plan_reads_as_a_diff() -> None:
    change = plan([NEW], listing(OLD), {OLD.path: entry(OLD)}).changes[0]
    assert unified(change).splitlines() == [
        "--- /bin/mailq-out",
        "+++ /bin/mailq-out",
        "@@ -1 +1 @@",
        "-old",
        "+new",
    ]
    link = Artifact("/man/mailq-out.1", target="postfix-out.7")
    added = plan([link], Manifest(), {link.path: MISSING}).changes[0]
    assert unified(added).splitlines()[-1] == "+-> postfix-out.7"
