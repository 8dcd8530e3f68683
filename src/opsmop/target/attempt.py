"""One resource on its way from a look to its ending."""

from __future__ import annotations

import time

from opsmop.errors import CommandFailed, NoProviderError, NotConvergedError, PolicyError, ProviderError
from opsmop.language.fields import declared, nearest
from opsmop.language.machine import Completed, Machine
from opsmop.language.provider import ACT, NOT_NEEDED, STATE, Change, Provider, Sources, providers, succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import Secret


class Attempt:
    """One resource on its way from a look to its ending.

    :param assumed: whether it is already known that check cannot know what this resource will find
    """

    def __init__(self, resource: Resource, machine: Machine, sources: Sources, *, assumed: bool) -> None:
        self.resource, self._machine, self._sources = resource, machine, sources
        self.changes: list[Change] = []  # planned
        self.made: list[Change] = []
        self.completed: Completed | None = None
        self.error: ProviderError | None = None
        self.assumed = assumed
        self.judged_changed: bool | None = None
        self.skipped = False  # `only_if` or `unless` say that nothing is to be done
        self._earlier: list[Change] = []  # made by tries before this one

    @property
    def sensitive(self) -> bool:
        """Whether neither content nor output may be seen: somebody says so, or a parameter is a secret by now."""
        resource, fields = self.resource, declared(type(self.resource))
        return bool(resource.sensitive) or any(
            fields[name].sensitive or isinstance(getattr(resource, name), Secret)
            for name in resource.given
            if getattr(resource, name) is not None
        )

    def run(self) -> None:
        """Look, plan, make, look again: as the user and within the time that the resource says.

        :raises ProviderError: if it cannot be made or has not converged; a command's failure that `failed_when` is to
            judge is kept in `error` instead
        """
        resource, machine = self.resource, self._machine
        deadline = None if resource.timeout is None else time.monotonic() + resource.timeout
        doubts = machine.assumptions
        try:
            with machine.acting_as(resource.run_as), machine.limited(deadline):
                self.assumed = self.assumed or machine.assumptions > doubts  # a user who is only planned
                self._run(deadline)
        except ProviderError:
            self.assumed = self.assumed or machine.assumptions > doubts
            raise

    def _run(self, deadline: float | None) -> None:
        provider = chosen_provider(self.resource, self._machine)(self.resource, self._machine, self._sources)
        try:
            if self._guards_hold(provider):
                self._plan_and_make(provider, deadline)
        except CommandFailed as error:
            self.completed = error.completed or self.completed
            if self.resource.failed_when is None:
                raise
            self.error = error
            return
        if not self._machine.simulated and any(change.kind == STATE for change in self.changes):
            self._look_again(provider)

    def _guards_hold(self, provider: Provider) -> bool:
        """Whether `only_if` and `unless` leave something to be done; a guard whose time ran out has not said anything.

        :raises CommandFailed: if its time ran out
        """
        resource, doubts = self.resource, self._machine.assumptions
        for name, guard, wanted in (("unless", resource.unless, False), ("only_if", resource.only_if, True)):
            if guard is None or self.skipped:
                continue
            self.skipped = self._says(provider, name, guard) is not wanted
        self.assumed = self.assumed or self._machine.assumptions > doubts
        return not self.skipped

    def _says(self, provider: Provider, name: str, guard: str | bool) -> bool:
        if isinstance(guard, bool):
            return guard
        completed = provider.guard(guard)
        if completed.timed_out:
            succeeded(completed, f"{name} of {self.resource}")
        return completed.rc == 0

    def _plan_and_make(self, provider: Provider, deadline: float | None) -> None:
        doubts = self._machine.assumptions
        try:
            self.changes = list(provider.plan())
        finally:
            self.assumed = self.assumed or provider.unsure or self._machine.assumptions > doubts
            self.completed = provider.completed
        self.assumed = self.assumed or (self._machine.simulated and any(change.assumed for change in self.changes))
        self._machine.assuming = self.assumed
        for change in list(self.changes):
            if deadline is not None and time.monotonic() > deadline:
                raise ProviderError(f"{self.resource} took longer than timeout={self.resource.timeout} s")
            completed = change.make()
            if completed is NOT_NEEDED:
                self.changes.remove(change)
                continue
            self.completed = completed or self.completed
            self.made.append(change)

    def begin_again(self) -> None:
        """Forget what this try came to, but not what it changed."""
        self._earlier += self.made
        self.changes, self.made = [], []
        self.completed, self.error, self.judged_changed, self.skipped = None, None, None, False

    @property
    def guarded(self) -> bool:
        """Whether a guard says that nothing is to be done, so that there is no command's result."""
        unguarded = getattr(self.resource, "unguarded", True)
        return self.skipped or (unguarded is False and self.completed is None and not self.all_changes)

    @property
    def all_changes(self) -> list[Change]:
        """What this try planned, and what earlier ones made that it did not."""
        return [*_others(self._earlier, self.changes), *self.changes]

    @property
    def all_made(self) -> list[Change]:
        """What was made, in this try or an earlier one."""
        return [*_others(self._earlier, self.made), *self.made]

    def settle(self, *, changed: bool, failed: bool, assumed: bool | None = None) -> None:
        """Fill in the resource's result; `assumed` as this attempt has it if not given."""
        self.resource.settle(
            changed=changed,
            failed=failed,
            changes=tuple(change.name for change in self.all_changes),
            completed=self.completed,
            assumed=self.assumed if assumed is None else assumed,
        )

    def _look_again(self, provider: Provider) -> None:
        left = [change for change in provider.plan() if change.kind == STATE]
        if left:
            hidden = bool(self.resource.sensitive)
            differing = "; ".join(change.name if hidden else described(change) for change in left)
            raise NotConvergedError(f"{self.resource} was changed and still differs: {differing}")

    def status(self, resource: Resource) -> str:
        """What `ResourceFinished` calls the ending."""
        if self.judged_changed is not None:
            return "changed" if self.judged_changed else "ok"
        if not self.all_changes:
            return "skipped" if self.guarded else "ok"
        return (
            "ran"
            if all(change.kind == ACT for change in self.all_changes) and getattr(resource, "unguarded", False)
            else "changed"
        )

    def output(self) -> str:
        """What the resource's command printed, unless nobody may see it."""
        return self.completed.output if self.completed and not self.sensitive else ""


def _others(earlier: list[Change], now: list[Change]) -> list[Change]:
    known = {change.name for change in now}
    return list({change.name: change for change in earlier if change.name not in known}.values())


def described(change: Change) -> str:
    """A change in one phrase."""
    if change.before or change.after:
        return f"{change.name} ({change.before or 'nothing'} -> {change.after or 'nothing'})"
    return change.name


def chosen_provider(resource: Resource, machine: Machine) -> type[Provider]:
    """The provider that the resource names, or the first that suits the machine.

    :raises NoProviderError: if there is none
    """
    known = providers(type(resource))
    method = resource.method
    if isinstance(method, type) and issubclass(method, Provider):
        return method
    if isinstance(method, str):
        return _named(method, known, resource)
    if method is not None:
        raise PolicyError(f"{resource}: method={method!r} is neither a name nor a provider class", place=resource.place)
    for provider in known:
        if provider.suits(machine):
            return provider
    tried = ", ".join(_with_needs(provider) for provider in known) or "none is known"
    raise NoProviderError(
        f"nothing on this machine can make {type(resource).__name__} (tried: {tried})",
        remedy="Install one of them, or name another with method=.",
    )


def _named(method: str, known: list[type[Provider]], resource: Resource) -> type[Provider]:
    """The provider of that short name or dotted path: of the file that made the resource, else a policy's, else ours."""
    full = {f"{provider.__module__}.{provider.__qualname__}": provider for provider in known}
    if method in full:
        return full[method]
    named = {path: provider for path, provider in full.items() if provider.short == method}
    near = {path: provider for path, provider in named.items() if _file(provider) == resource.place.rpartition(":")[0]}
    own = {path: provider for path, provider in named.items() if not path.startswith("opsmop.")}
    candidates = near or own or named
    type_name = type(resource).__name__
    if len(candidates) > 1:
        raise NoProviderError(
            f"{type_name} has {len(candidates)} methods {method!r}: {', '.join(candidates)}",
            remedy=f"Name one in full: method={next(iter(candidates))!r}.",
        )
    if not candidates:
        shorts = [provider.short for provider in known]
        raise NoProviderError(f"{type_name} has no method {method!r}", remedy=nearest(method, shorts, "It has"))
    return next(iter(candidates.values()))


def _file(provider: type[Provider]) -> str:
    code = getattr(provider.plan, "__code__", None)
    return code.co_filename if code is not None else ""


def _with_needs(provider: type[Provider]) -> str:
    return f"{provider.short}, which needs {provider.needs}" if provider.needs else provider.short
