"""Checkouts of git, from repositories on this machine."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, Git

Evaluate = Callable[..., Any]
LONG = "long" * 60  # a name of which a few thousand are more than what is kept of a list
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "a@test"))
}


def git(folder: Path, *argv: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **AUTHOR}
    done = subprocess.run(["git", *argv], cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, text: str, name: str = "file") -> str:
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "-m", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with a branch, a branch beside it and a tag."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "trunk")
    commit(folder, "one")
    git(folder, "tag", "-a", "v1", "-m", "first")
    git(folder, "branch", "side")
    commit(folder, "two")
    return folder


def changes(evaluated: Any) -> list[tuple[str, bool]]:
    return [(change.name, change.assumed) for event in evaluated.finished for change in event.changes]


def test_a_repository_is_cloned_and_follows_its_branch(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    there = tmp_path / "there"

    def main(_: object) -> None:
        Git(there, repository=str(origin))

    assert changes(evaluate(main, "check")) == [("clone", False)]
    assert not there.exists()
    assert changes(evaluate(main)) == [("clone", False)]
    assert (there / "file").read_text() == "two"
    assert git(there, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    for mode in ("check", "apply"):
        assert changes(evaluate(main, mode)) == []
    old, new = git(origin, "rev-parse", "HEAD"), commit(origin, "three")
    announced = evaluate(main, "check")
    assert [(change.before, change.after) for change in announced.last.changes] == [(old[:12], new[:12])]
    updated = evaluate(main)
    assert changes(updated) == [("update", False)]
    assert updated.last.output == f"{new}\n1 commits since {old[:12]}\n"
    assert (there / "file").read_text() == "three"
    assert changes(evaluate(main)) == []


@pytest.mark.parametrize(("version", "text"), [("v1", "one"), ("side", "one"), ("trunk", "two")])
def test_a_version_is_a_tag_or_a_branch(
    version: str, text: str, origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin), version=version)

    assert changes(evaluate(main)) == [("clone", False)]
    assert (tmp_path / "there" / "file").read_text() == text
    assert changes(evaluate(main)) == []


@pytest.mark.parametrize("depth", [None, 1])
def test_a_version_is_a_commit_even_of_a_shallow_checkout(
    depth: int | None, origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    first = git(origin, "rev-parse", "v1^{commit}")
    for version, text in ((first, "one"), (git(origin, "rev-parse", "trunk"), "two"), (first, "one")):

        def main(_: object, version: str = version) -> None:
            Git(tmp_path / "there", repository=f"file://{origin}", version=version, depth=depth)

        assert len(changes(evaluate(main))) == 1
        assert (tmp_path / "there" / "file").read_text() == text
        assert changes(evaluate(main)) == []


def test_a_tag_that_was_moved_is_followed(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin), version="v1", depth=1)

    evaluate(main)
    git(origin, "tag", "--force", "v1", "trunk")
    assert changes(evaluate(main)) == [("update", False)]
    assert (tmp_path / "there" / "file").read_text() == "two"
    assert changes(evaluate(main)) == []


def test_a_branch_that_was_rewritten_is_followed(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin))

    evaluate(main)
    git(origin, "reset", "--quiet", "--hard", "v1")
    commit(origin, "another two")
    assert changes(evaluate(main)) == [("update", False)]
    assert (tmp_path / "there" / "file").read_text() == "another two"


def test_what_people_changed_stays_unless_it_is_forced_away(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    there = tmp_path / "there"

    def main(_: object, *, force: bool = False) -> None:
        Git(there, repository=str(origin), force=force)

    def forced(_: object) -> None:
        main(_, force=True)

    evaluate(main)
    (there / "file").write_text("mine")
    (there / "notes").write_text("untracked")
    assert changes(evaluate(main)) == [], "nothing has to be done, so nothing is lost"
    commit(origin, "three")
    for mode in ("check", "apply"):
        failure = evaluate(main, mode).failure
        assert "have been changed: file" in failure.message
        assert "force=True" in failure.remedy
    assert (there / "file").read_text() == "mine"
    assert changes(evaluate(forced)) == [("update", False)]
    assert (there / "file").read_text() == "three"
    (there / "file").write_text("mine again")
    assert changes(evaluate(forced)) == [("throw away", False)]
    assert (there / "notes").read_text() == "untracked"
    assert changes(evaluate(forced)) == []


def test_commits_of_its_own_are_not_left_behind_unasked(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    there = tmp_path / "there"

    def main(_: object) -> None:
        Git(there, repository=str(origin))

    evaluate(main)
    commit(there, "mine")
    assert "1 commit(s) of its own" in evaluate(main).failure.message
    assert (there / "file").read_text() == "mine"


def test_another_address_is_written_down(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin))

    evaluate(main)
    origin = origin.rename(tmp_path / "moved")
    assert changes(evaluate(main)) == [("address", False)]
    assert changes(evaluate(main)) == []


def test_submodules_come_along(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "home" / ".gitconfig").write_text('[protocol "file"]\nallow = always\n')
    part = tmp_path / "part"
    part.mkdir()
    git(part, "init", "--quiet")
    commit(part, "part", "inner")
    git(origin, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    git(origin, "commit", "--quiet", "-m", "with a part")

    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin), submodules=True)

    evaluate(main)
    assert (tmp_path / "there" / "part" / "inner").read_text() == "part"
    assert changes(evaluate(main)) == []


def with_a_part(origin: Path) -> Path:
    """A repository of its own that becomes a part of `origin`."""
    home, part = origin.parent / "home", origin.parent / "part"
    (home / ".gitconfig").write_text('[protocol "file"]\nallow = always\n')
    part.mkdir()
    git(part, "init", "--quiet")
    commit(part, "part", "inner")
    git(origin, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    git(origin, "commit", "--quiet", "-m", "with a part")
    return part


def test_submodules_are_made_up_for_where_an_earlier_run_failed_or_did_not_want_them(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    part, there = with_a_part(origin), tmp_path / "there"

    def main(_: object, *, submodules: bool = True) -> None:
        Git(there, repository=str(origin), submodules=submodules)

    part.rename(tmp_path / "away")
    assert "git submodule" in evaluate(main).failure.message
    assert changes(evaluate(lambda _: main(_, submodules=False))) == []
    (tmp_path / "away").rename(part)
    assert changes(evaluate(main, "check")) == [("submodules", False)]
    assert changes(evaluate(main)) == [("submodules", False)]
    assert (there / "part" / "inner").read_text() == "part"
    assert changes(evaluate(main)) == []


def test_an_update_that_failed_at_its_submodules_is_finished(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    part, there = with_a_part(origin), tmp_path / "there"

    def main(_: object) -> None:
        Git(there, repository=str(origin), submodules=True)

    evaluate(main)
    newer = commit(part, "newer", "inner")
    git(origin, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--remote")
    git(origin, "commit", "--quiet", "-am", "with a newer part")
    part.rename(tmp_path / "away")
    assert "git submodule" in evaluate(main).failure.message
    commit(origin, "even newer")
    (tmp_path / "away").rename(part)
    assert changes(evaluate(main)) == [("update", False)], "what is left to do is nobody's change"
    part.rename(tmp_path / "away")
    git(there / "part", "checkout", "--quiet", f"{newer}~")
    assert changes(evaluate(main)) == [], "what people check out stays"
    git(there, "update-ref", "refs/opsmop/checked-out", "HEAD~")  # as a run leaves it that fails at a part
    assert changes(evaluate(main)) == [("submodules", False)]
    assert (there / "part" / "inner").read_text() == "newer"


def test_a_submodule_that_its_repository_leaves_out_is_no_change(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    with_a_part(origin)
    git(origin, "config", "--file", ".gitmodules", "submodule.part.update", "none")
    git(origin, "commit", "--quiet", "-am", "without the part")

    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin), submodules=True)

    assert changes(evaluate(main)) == [("clone", False)]
    assert changes(evaluate(main)) == []


@pytest.mark.parametrize("version", [None, "trunk", "v1", "refs/changes/19999/head"])
def test_a_repository_with_very_many_references_has_its_branches_and_tags(
    version: str | None, origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    tip = git(origin, "rev-parse", "HEAD")
    lines = ["# pack-refs with: peeled fully-peeled sorted"]
    lines += [f"{tip} refs/changes/{number:05}/head" for number in range(20_000)]
    lines += [f"{tip} refs/zzzz/{number:05}/{'long' * 8}" for number in range(20_000)]
    (origin / ".git" / "packed-refs").write_text("\n".join(lines) + "\n")

    def main(_: object) -> None:
        Git(tmp_path / "there", repository=str(origin), version=version)

    assert changes(evaluate(main)) == [("clone", False)]
    assert changes(evaluate(main)) == []


def test_a_branch_that_is_not_among_very_many_is_told_as_that(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    tip = git(origin, "rev-parse", "HEAD")
    lines = ["# pack-refs with: peeled fully-peeled sorted"]
    lines += [f"{tip} refs/heads/{number:05}/{'long' * 8}" for number in range(20_000)]
    (origin / ".git" / "packed-refs").write_text("\n".join(lines) + "\n")
    failure = evaluate(lambda _: Git(tmp_path / "x", repository=str(origin), version="tronk") and None).failure
    assert "has no branch or tag 'tronk'" in failure.message
    assert "Did you mean 'trunk'" in failure.remedy
    git(origin, "checkout", "--quiet", "--detach")
    failure = evaluate(lambda _: Git(tmp_path / "x", repository=str(origin)) and None).failure
    assert "printed more than is kept of it" in failure.message, "which branch its HEAD is cannot be told"


def test_a_repository_whose_head_is_no_branch_is_taken_at_its_branch(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    git(origin, "checkout", "--quiet", "--detach")
    evaluate(lambda _: Git(tmp_path / "there", repository=str(origin)) and None)
    assert git(tmp_path / "there", "symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_what_is_not_there_is_met_with_what_is(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    for mode in ("check", "apply"):
        wrong = evaluate(lambda _: Git(tmp_path / "x", repository=str(origin), version="sied"), mode).failure
        assert "has no branch or tag 'sied'" in wrong.message
        assert "Did you mean 'side'" in wrong.remedy
        nowhere = evaluate(lambda _: Git(tmp_path / "x", repository=str(tmp_path / "none")), mode).failure
        assert "asking" in nowhere.message
        assert "does not appear to be a git repository" in nowhere.output
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("x")
    assert "is no checkout" in evaluate(lambda _: Git(tmp_path / "full", repository=str(origin))).failure.message


def test_nothing_is_ever_asked(tmp_path: Path, evaluate: Evaluate) -> None:
    from tests.providers.web import Page, serving

    with serving() as web:
        refused = Page(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        web.pages["/r.git/info/refs?service=git-upload-pack"] = refused
        failure = evaluate(lambda _: Git(tmp_path / "x", repository=f"{web.url}/r.git")).failure
    assert "wants a login" in failure.remedy


def test_the_checkout_of_another_user_is_worked_on_as_that_user(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    if os.getuid() != 0:
        return  # who is not root cannot make one
    there = tmp_path / "there"
    evaluate(lambda _: Git(there, repository=str(origin)) and None)
    nobody = pwd.getpwnam("nobody")
    for path in [there, *there.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    failure = evaluate(lambda _: Git(there, repository=str(origin))).failure
    assert "belongs to nobody" in failure.message
    assert failure.remedy == 'run_as="nobody" works on it as its owner.'


def test_check_of_a_checkout_into_a_planned_directory(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Directory(tmp_path / "new")
        Git(tmp_path / "new" / "there", repository=str(origin))
        Git(tmp_path / "new" / "there", repository=str(origin))

    announced = changes(evaluate(main, "check"))
    assert [name for name, _ in announced] == [name for name, _ in changes(evaluate(main))] == ["create", "clone"]


def test_only_what_a_trusted_key_has_signed_is_checked_out_if_that_is_asked_for(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    there, home = tmp_path / "there", tmp_path / "home"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    public = (tmp_path / "key.pub").read_text()
    (home / "trusted").write_text(f"a@test {public}")
    (home / ".gitconfig").write_text(f'[gpg]\nformat = ssh\n[gpg "ssh"]\nallowedSignersFile = {home}/trusted\n')
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={tmp_path}/key")

    def checked_out(**given: Any) -> Any:
        return evaluate(lambda _: Git(there, repository=str(origin), verify_commit=True, **given) and None)

    assert "has no signature that is trusted here" in checked_out().failure.message
    assert not (there / "file").exists()
    git(origin, *signing, "commit", "--quiet", "--allow-empty", "-S", "-m", "signed")
    git(origin, "tag", "v2", "HEAD~")
    git(origin, *signing, "tag", "-s", "v3", "-m", "signed", "HEAD~")
    assert changes(checked_out()) == [("update", False)]
    assert (there / "file").exists()
    assert changes(checked_out()) == []
    assert "no signature" in checked_out(version="v2").failure.message
    assert changes(checked_out(version="v3")) == [("update", False)], "whoever signs a tag vouches for its commit"
    (home / "trusted").write_text("")
    assert "no signature" in checked_out(version="v3").failure.message, "also of what is there already"


def test_the_remote_is_called_as_it_is_asked_for_and_another_name_is_one_more(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    there = tmp_path / "there"

    def main(_: object, remote: str = "upstream") -> None:
        Git(there, repository=str(origin), remote=remote)

    for made in (["clone"], []):
        assert [name for name, _ in changes(evaluate(main, "check"))] == made
        assert [name for name, _ in changes(evaluate(main))] == made
    assert git(there, "remote") == "upstream"
    assert git(there, "rev-parse", "upstream/trunk") == git(origin, "rev-parse", "trunk")
    commit(origin, "three")
    assert changes(evaluate(main)) == [("update", False)]
    assert changes(evaluate(lambda _: main(_, "mirror"))) == [("address", False)]
    assert changes(evaluate(lambda _: main(_, "mirror"))) == changes(evaluate(main)) == []
    assert git(there, "remote").split() == ["mirror", "upstream"]
    first = git(origin, "rev-parse", "v1^{commit}")
    named = lambda _: Git(there, repository=str(origin), remote="mirror", version=first) and None  # noqa: E731
    assert changes(evaluate(named)) == [("update", False)]
    assert (there / "file").read_text() == "one"


def test_the_umask_is_taken_from_all_that_git_makes(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    there = tmp_path / "there"

    def main(_: object, umask: str = "027") -> None:
        Git(there, repository=str(origin), umask=umask)

    assert changes(evaluate(main, "check")) == changes(evaluate(main)) == [("clone", False)]
    assert changes(evaluate(main)) == changes(evaluate(lambda _: main(_, "077"))) == [], "what is there stays"
    assert there.stat().st_mode & 0o777 == 0o750
    commit(origin, "three")
    commit(origin, "more", "another")
    evaluate(main)
    modes = {path: path.stat().st_mode & 0o777 for path in there.rglob("*")}
    assert {path: mode for path, mode in modes.items() if mode & 0o027} == {}
    assert modes[there / "another"] == modes[there / "file"] == 0o640
    evaluate(lambda _: Git(tmp_path / "shared", repository=str(origin), umask="0002") and None)
    assert [(tmp_path / "shared" / name).stat().st_mode & 0o777 for name in ("", "file")] == [0o775, 0o664]


def referred(folder: Path) -> str:
    return git(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")


def test_a_bare_repository_has_what_the_other_one_has(origin: Path, tmp_path: Path, evaluate: Evaluate) -> None:
    there = tmp_path / "there.git"

    def main(_: object) -> None:
        Git(there, repository=str(origin), bare=True, umask="027")

    announced = evaluate(main, "check")
    assert not there.exists()
    assert [change.after for change in announced.last.changes] == ["2 branches, 1 tags"]
    assert changes(announced) == changes(evaluate(main)) == [("clone", False)]
    assert referred(there) == referred(origin)
    assert git(there, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert git(there, "rev-parse", "--is-bare-repository") == "true"
    assert there.stat().st_mode & 0o777 == 0o750
    assert changes(evaluate(main, "check")) == changes(evaluate(main)) == []
    old, new = git(origin, "rev-parse", "trunk"), commit(origin, "three")
    git(origin, "branch", "--delete", "--force", "side")
    git(origin, "tag", "--force", "v1", "trunk")
    git(origin, "checkout", "--quiet", "-b", "newest")
    updated = evaluate(main, "check")
    assert [(change.name, change.before, change.after) for change in updated.last.changes] == [
        (
            "update",
            f"HEAD trunk, newest none, side {git(there, 'rev-parse', 'side')[:12]} and 2 more",
            f"HEAD newest, newest {new[:12]}, side none and 2 more",
        )
    ]
    assert old != new
    assert changes(updated) == changes(evaluate(main)) == [("update", False)]
    assert referred(there) == referred(origin)
    assert git(there, "symbolic-ref", "HEAD") == "refs/heads/newest"
    assert changes(evaluate(main)) == []
    git(origin, "commit", "--quiet", "--amend", "-m", "rewritten")
    assert changes(evaluate(main)) == [("update", False)], "what was rewritten there is nobody's own here"
    clone = tmp_path / "clone.git"
    git(tmp_path, "clone", "--quiet", "--mirror", str(there), str(clone))
    assert "refs/opsmop" not in git(clone, "for-each-ref"), "who clones it gets what the other one has"


def test_what_was_pushed_to_a_bare_repository_stays_unless_it_is_forced_away(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    there, work = tmp_path / "there.git", tmp_path / "work"

    def main(_: object, *, force: bool = False) -> None:
        Git(there, repository=str(origin), bare=True, force=force)

    evaluate(main)
    git(tmp_path, "clone", "--quiet", str(there), str(work))
    commit(work, "pushed")
    git(work, "push", "--quiet")
    for mode in ("check", "apply"):
        failure = evaluate(main, mode).failure
        assert "1 commit(s) of its own" in failure.message
        assert "force=True" in failure.remedy
    assert changes(evaluate(lambda _: main(_, force=True))) == [("update", False)]
    assert referred(there) == referred(origin)
    byhand = tmp_path / "byhand.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(origin), str(byhand))
    taken = lambda _: Git(byhand, repository=str(origin), bare=True)  # noqa: E731
    assert changes(evaluate(lambda _: taken(_) and None)) == []
    commit(origin, "three")
    assert "was made by somebody else" in evaluate(lambda _: taken(_) and None).failure.message


def test_a_bare_repository_may_be_empty_shallow_left_alone_and_planned_twice(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "--quiet", "--bare")

    def main(_: object) -> None:
        Git(tmp_path / "a.git", repository=str(tmp_path / "empty"), bare=True)
        Git(tmp_path / "b.git", repository=f"file://{origin}", bare=True, depth=1, remote="up", update=False)
        Git(tmp_path / "b.git", repository=f"file://{origin}", bare=True, depth=1, remote="up")

    assert changes(evaluate(main, "check")) == changes(evaluate(main)) == [("clone", False)] * 2
    assert changes(evaluate(main)) == []
    assert git(tmp_path / "b.git", "rev-list", "--count", "trunk") == "1"
    assert git(tmp_path / "b.git", "remote") == "up"
    commit(origin, "three")
    assert changes(evaluate(main)) == [("update", False)]
    full = evaluate(lambda _: Git(origin, repository=str(tmp_path / "empty"), bare=True) and None)
    assert "is no bare repository" in full.failure.message
    other = evaluate(lambda _: Git(tmp_path / "b.git", repository=str(origin)) and None)
    assert "is no checkout" in other.failure.message


def test_a_bare_repository_follows_one_with_very_many_references(
    origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    """Both lists are longer than what is kept of what a command prints."""
    tip = git(origin, "rev-parse", "HEAD")
    lines = "".join(f"create refs/heads/{number:05}/{LONG} {tip}\n" for number in range(4_500))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=origin, input=lines, text=True, check=True)
    git(origin, "pack-refs", "--all")
    there = tmp_path / "there.git"

    def main(_: object) -> None:
        Git(there, repository=str(origin), bare=True)

    def twice(_: object) -> None:
        main(_)
        main(_)

    announced = evaluate(twice, "check")
    assert changes(announced) == [("clone", False)], "what is planned is not planned again"
    assert [change.after[:10] for event in announced.finished for change in event.changes] == ["more than "]
    assert changes(evaluate(main)) == [("clone", False)]
    assert referred(there) == referred(origin)
    assert git(there, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert changes(evaluate(main, "check")) == changes(evaluate(main)) == []
    new = commit(origin, "three")
    git(origin, "branch", "--quiet", "--delete", "--force", f"00000/{LONG}")
    git(origin, "tag", "new")
    announced = evaluate(twice, "check")
    assert [(change.name, change.before, change.after) for event in announced.finished for change in event.changes] == [
        (
            "update",
            f"00000/{LONG} {tip[:12]}, trunk {tip[:12]}, new none",
            f"00000/{LONG} none, trunk {new[:12]}, new {new[:12]}",
        )
    ]
    assert changes(evaluate(main)) == [("update", False)]
    assert referred(there) == referred(origin)
    git(origin, "checkout", "--quiet", f"00001/{LONG}")
    assert changes(evaluate(main)) == [("update", False)], "another branch is HEAD"
    assert changes(evaluate(main)) == []
    lines = "".join(f"delete refs/heads/{number:05}/{LONG}\n" for number in range(2, 4_500))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=origin, input=lines, text=True, check=True)
    assert changes(evaluate(main)) == [("update", False)], "only the old list is long"
    assert referred(there) == referred(origin)
    assert changes(evaluate(main)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"umask": "22"}, "is not three octal digits"),
        ({"umask": "089"}, "is not three octal digits"),
        ({"umask": "u=rwx"}, "is not three octal digits"),
        ({"umask": "1022"}, "is not three octal digits"),
        ({"umask": "277"}, "takes bits from the owner"),
        ({"umask": 0o027}, "umask"),
        ({"remote": ""}, "can call no remote"),
        ({"remote": "--all"}, "can call no remote"),
        ({"remote": "a b"}, "can call no remote"),
        ({"remote": "a..b"}, "can call no remote"),
        ({"remote": "a.lock"}, "can call no remote"),
        ({"remote": "a\nb"}, "can call no remote"),
        ({"remote": "upstream", "submodules": True}, "does not go with submodules"),
        ({"bare": True, "version": "trunk"}, "only one of bare, version"),
        ({"bare": True, "submodules": True}, "only one of bare, submodules"),
        ({"bare": True, "verify_commit": True}, "only one of bare, verify_commit"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    given: dict[str, Any], said: str, origin: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    failure = evaluate(lambda _: Git(tmp_path / "x", repository=str(origin), **given) and None, "check").failure
    assert failure.error == "FieldError"
    assert said in failure.message
