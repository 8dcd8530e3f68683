"""Checkouts on a real host: of a git that is only planned, and as another user."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.laws import law
from tests.fleet.pushing import apply, check, push

Boot = Callable[..., Fleet]
ORIGIN = "git init -q /srv/o && cd /srv/o && git -c user.name=a -c user.email=a@test commit -q --allow-empty -m x"
WITH_GIT = f"""
Package("git", install_recommends=False)
Shell("{ORIGIN}", creates="/srv/o")
Git("/srv/x", repository="/srv/o")
"""


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    return bookworm.hosts[0]


def test_a_checkout_follows_the_package_that_brings_git(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    assert check(bookworm, tmp_path, WITH_GIT).changes == ["install", "run", "cannot be predicted?"]
    assert apply(bookworm, tmp_path, WITH_GIT).changes == ["install", "run", "clone"]
    assert apply(bookworm, tmp_path, WITH_GIT).changes == []
    host.run("mkdir /home/ops/co && chown ops: /home/ops/co && git config --system --add safe.directory /srv/o/.git")
    theirs = 'Git("/home/ops/co", repository="/srv/o", run_as="ops")'
    assert apply(bookworm, tmp_path, theirs).changes == ["clone"]
    assert host.run("find /home/ops/co ! -user ops").stdout == "", "all of it is its owner's"
    assert apply(bookworm, tmp_path, theirs).changes == []
    as_root = push(bookworm, tmp_path, theirs.replace(', run_as="ops"', "")).failures[0]
    assert "belongs to ops, and this runs as root" in as_root
    assert 'run_as="ops"' in as_root


def test_the_remote_is_named_and_the_umask_is_taken_from_what_is_made(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    apply(bookworm, tmp_path, 'Package("git", install_recommends=False)')
    host.run(f"{ORIGIN} && git config --system --add safe.directory /srv/o/.git && chmod a+rx /srv/o")
    host.run("install -d -o ops /srv/ops")
    main = 'Git("/srv/ops/x", repository="/srv/o", remote="upstream", umask="077", run_as="ops")'
    assert check(bookworm, tmp_path, main).changes == ["clone"]
    assert apply(bookworm, tmp_path, main).changes == ["clone"]
    assert host.run("cd /srv/ops/x && runuser -u ops git remote").stdout == "upstream\n"
    assert host.run("find /srv/ops/x -perm /077 ! -type l").stdout == ""
    assert apply(bookworm, tmp_path, main).changes == []


def test_a_bare_repository_is_cloned_followed_and_cloned_from(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    apply(bookworm, tmp_path, 'Package("git", install_recommends=False)')
    host.run(f"{ORIGIN} && git branch side && git tag v1")
    main = 'Git("/srv/x.git", repository="/srv/o", bare=True)'
    assert law(bookworm, tmp_path, main) == ["clone"]
    assert host.run("git -C /srv/x.git for-each-ref refs/heads refs/tags | wc -l").stdout == "3\n"
    host.run("cd /srv/o && git branch -D side && git -c user.name=a -c user.email=a@test commit -q --allow-empty -m y")
    assert law(bookworm, tmp_path, main) == ["update"]
    assert law(bookworm, tmp_path, 'Git("/srv/work", repository="/srv/x.git")') == ["clone"]
    assert host.run("git -C /srv/work log --format=%s").stdout == "y\nx\n"
