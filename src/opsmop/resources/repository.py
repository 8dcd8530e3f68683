"""What checkouts and bare repositories of git have in common: how git is asked, and what it is told."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import Provider
from opsmop.resources.masks import masked
from opsmop.resources.remotes import address, explained, ssh_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from opsmop.resources.remotes import Address

_SHORT = 12  # digits of a commit's name that people are shown


class Repository(Provider):
    """Something of git's on the target that comes from a repository elsewhere."""

    @property
    def _remote(self) -> Address:
        return address(self.resource.repository)

    def _planned(self) -> str:
        """The commit that an earlier resource is to check out here; empty if none is."""
        planned: tuple[str] = self.machine.look("git", self.resource.name, lambda: ("",))
        return planned[0]

    def _refuse_other_owner(self, owner: str) -> None:
        """Git runs programs that a checkout's own configuration names: those of another user must not run as this one."""
        user = self.machine.real_user()
        if owner != user:
            raise ProviderError(
                f"{self.resource.name} belongs to {owner}, and this runs as {user}",
                remedy=f'run_as="{owner}" works on it as its owner.',
            )

    def _offered(self, *patterns: str, whole: bool = True) -> Completed:
        """What the repository has of that, as git-ls-remote(1) says it."""
        url = self._remote.url
        completed: Completed = self.machine.look(
            "git repository",
            " ".join((url, *patterns)),
            lambda: self._ask("ls-remote", "--symref", "--", url, *patterns, at="/"),
        )
        return explained(completed, f"asking {url} what it has", whole=whole)

    def _set_address(self) -> None:
        self._run("config", f"remote.{self.resource.remote}.url", self._remote.url)

    # git

    def _said(self, *argv: str) -> str:
        completed = self._ask(*argv)
        return completed.stdout.strip("\n") if completed.rc == 0 else ""

    def _ask(self, *argv: str, at: str = "") -> Completed:
        return self.machine.ask(
            ["git", *self._remote.options(), *argv], cwd=at or self.resource.name, env=self._environment()
        )

    def _run(self, *argv: str, becomes: str = "") -> Completed:
        git = self.resource
        effects = [Effect("git", git.name, (becomes,))] if becomes else []
        command = masked(["git", *self._remote.options(), *argv], git.umask)
        completed = self.machine.run(command, effects=effects, cwd=git.name, env=self._environment())
        return explained(completed, f"git {argv[0]} of {self._remote.url} in {git.name}")

    def _environment(self) -> dict[str, str]:
        """Nobody is there to answer: git(1), GIT_TERMINAL_PROMPT; ssh_config(5), BatchMode."""
        git = self.resource
        return {
            "GIT_ASKPASS": "true",
            "GIT_OPTIONAL_LOCKS": "0",  # looking writes nothing
            "GIT_SSH_COMMAND": ssh_command(git.ssh_key, accept_new=git.accept_new_host_key),
            "GIT_TERMINAL_PROMPT": "0",
            **self._remote.environment(),
        }


def short(commit: str) -> str:
    return commit[:_SHORT]


def few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 - a line's worth
