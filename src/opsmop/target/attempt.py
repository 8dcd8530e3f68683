"""One resource on its way from a look to its ending."""

from __future__ import annotations

from opsmop.errors import CommandFailed, NoProviderError, NotConvergedError, PolicyError, ProviderError
from opsmop.language.fields import declared, nearest
from opsmop.language.machine import Completed, Machine
from opsmop.language.provider import ACT, NOT_NEEDED, STATE, Change, Provider, Sources, providers
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
        self.sensitive = any(
            entry.sensitive or isinstance(getattr(resource, name), Secret)
            for name, entry in declared(type(resource)).items()
            if getattr(resource, name) is not None
        ) or bool(getattr(resource, "sensitive", False))

    def run(self) -> None:
        """Look, plan, make, look again.

        :raises ProviderError: if it cannot be made or has not converged; a command's failure that `failed_when` is to
            judge is kept in `error` instead
        """
        provider = chosen_provider(self.resource, self._machine)(self.resource, self._machine, self._sources)
        try:
            self._plan_and_make(provider)
        except CommandFailed as error:
            self.completed = error.completed or self.completed
            if self.resource.failed_when is None:
                raise
            self.error = error
            return
        if not self._machine.simulated and any(change.kind == STATE for change in self.changes):
            self._look_again(provider)

    def _plan_and_make(self, provider: Provider) -> None:
        doubts = self._machine.assumptions
        try:
            self.changes = list(provider.plan())
        finally:
            self.assumed = self.assumed or self._machine.assumptions > doubts
            self.completed = provider.completed
        self.assumed = self.assumed or (self._machine.simulated and any(change.assumed for change in self.changes))
        self._machine.assuming = self.assumed
        for change in list(self.changes):
            completed = change.make()
            if completed is NOT_NEEDED:
                self.changes.remove(change)
                continue
            self.completed = completed or self.completed
            self.made.append(change)

    def _look_again(self, provider: Provider) -> None:
        left = [change for change in provider.plan() if change.kind == STATE]
        if left:
            differing = "; ".join(described(change) for change in left)
            raise NotConvergedError(f"{self.resource} was changed and still differs: {differing}")

    def status(self, resource: Resource) -> str:
        """What `ResourceFinished` calls the ending."""
        if self.judged_changed is not None:
            return "changed" if self.judged_changed else "ok"
        if not self.changes:
            guarded = getattr(resource, "unguarded", True) is False
            return "skipped" if guarded and self.completed is None else "ok"
        return (
            "ran"
            if all(change.kind == ACT for change in self.changes) and getattr(resource, "unguarded", False)
            else "changed"
        )

    def output(self) -> str:
        """What the resource's command printed, unless nobody may see it."""
        return self.completed.output if self.completed and not self.sensitive else ""


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
        named = [
            provider
            for provider in known
            if method in (provider.short, f"{provider.__module__}.{provider.__qualname__}")
        ]
        if named:
            return named[0]
        shorts = [provider.short for provider in known]
        raise NoProviderError(
            f"{type(resource).__name__} has no method {method!r}", remedy=nearest(method, shorts, "It has")
        )
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


def _with_needs(provider: type[Provider]) -> str:
    return f"{provider.short}, which needs {provider.needs}" if provider.needs else provider.short
