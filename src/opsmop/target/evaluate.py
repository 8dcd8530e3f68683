"""Look, plan, make, look again: what happens when a resource is constructed. The only caller of providers."""

from __future__ import annotations

import sys
import time

from opsmop.errors import OpsMopError, PolicyError, ProviderError
from opsmop.events import ChangeReport, Event, ResourceFailed, ResourceFinished, ResourceSpoke, ResourceStarted, Warned
from opsmop.language.additions import Additions
from opsmop.language.braces import taken_as_written
from opsmop.language.machine import Content, Machine
from opsmop.language.provider import Change
from opsmop.language.resource import Resource
from opsmop.language.scope import Layer, Variables, innermost, local_layers, of_policy, place_of, written_at
from opsmop.target import differences
from opsmop.target.attempt import Attempt
from opsmop.target.failures import failure_of
from opsmop.target.handlers import Signals
from opsmop.target.supply import Stock, read_within, tree_read_within
from opsmop.target.tries import Tries
from opsmop.target.values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Callable

    from opsmop.language.syntax import Syntax
    from opsmop.language.trees import Tree

    EmitEvent = Callable[[Event], None]

SHOWN_OUTPUT = 4096  # characters of a command's output that a good ending carries; a failure carries more
CALLER = "opsmop.target.run_role"  # the module whose frame ends the search for local variables


class RoleEvaluation:
    """One role being evaluated on one host; what `opsmop.language.evaluation.Evaluation` promises.

    :param machine: real to apply, simulated to check
    :param layers: the variables that are known before the role runs
    :param extra: the layer that wins over all
    :param facts: what templates see besides variables, by name
    :param additions: what the policy adds for templates; its facts are among `facts` already
    :param options: as `Order.options` has them
    :param source: the files of the controller, by the paths that the policy names
    :param emit: takes every event
    :param hide: takes each text that no event may show from then on
    :param shown: makes a text one that may be reported
    :param diff: whether changes of content carry a difference
    """

    def __init__(
        self,
        machine: Machine,
        *,
        layers: Iterable[Layer],
        extra: Layer,
        facts: Mapping[str, Any],
        additions: Additions,
        options: Mapping[str, Any],
        source: Stock,
        emit: EmitEvent,
        hide: Callable[[str], None],
        shown: Callable[[str], str],
        diff: bool,
    ) -> None:
        self.machine, self.hide, self.shown = machine, hide, shown
        self.remembered: dict[str, Any] = {}
        self.unknown_at = ""  # where policy code has read what check cannot know: what it did then, it may not do
        # Of the machine's assumptions, those that resources made, or earlier roles, and that are accounted for.
        self._doubts = machine.assumptions
        self._assuming = False  # what comes now follows from something that check cannot know
        self.facts, self.options = facts, options
        self._besides = {**additions.template_globals, **facts}
        self._layers, self._extra = list(layers), extra
        self._registered: dict[str, Any] = {}
        self._source, self._emit, self._diff = source, emit, diff
        self._count = 0
        self._attempt: Attempt | None = None  # of the resource at hand
        self.values = Values(source, additions, facts, options.get("templates"))
        self.signals = Signals()
        self._declared: dict[int, Variables] | None = None  # while resources are only declared: theirs, by identity
        self._kept: dict[int, Variables] = {}

    # What resources, facts and self.vars ask

    def unknown_was_read(self, *, value: bool) -> None:
        """See `Evaluation.unknown_was_read`."""
        self._assuming = True
        if value:
            file, line = place_of(innermost(sys._getframe(1), of_policy))
            self.unknown_at = self.unknown_at or f"{file}:{line}"

    def variables(self) -> Variables:
        """See `Evaluation.variables`."""
        return self._variables_at(sys._getframe(1))

    def declared(self, construct: Callable[[], Any]) -> Any:
        """What `construct` gives; resources that it constructs are not evaluated, and keep their place's variables.

        :raises PolicyError: if it constructs some and gives nothing
        """
        self._declared, before = self._kept, len(self._kept)
        try:
            said = construct()
        finally:
            self._declared = None
        if said is None and len(self._kept) > before:
            raise PolicyError(
                f"{construct.__name__}() constructs resources and returns nothing, so that none of them is evaluated",
                place=written_at(construct),
                remedy="Return them: Resources(...) from set_resources(), Handlers(name=...) from set_handlers().",
            )
        return said

    def evaluate(self, resource: Resource) -> None:
        """See `Evaluation.evaluate`."""
        variables = self._variables_at(resource.frame)
        if self._declared is not None:
            self._declared[id(resource)] = variables
            resource.waits = True
            return
        self._evaluate(resource, variables, assumed=False)

    @property
    def assuming(self) -> bool:
        """Whether what comes now follows from something that check cannot know."""
        return self._assuming or self.was_unsure_at_last

    @property
    def was_unsure_at_last(self) -> bool:
        """Whether a fact that the policy asked since its last resource was answered only as things are now."""
        return self.machine.assumptions > self._doubts

    def evaluate_declared(self, resource: Resource, *, assumed: bool = False) -> None:
        """Evaluate a resource that was constructed while `declaring`.

        :raises ProviderError: as `evaluate`
        """
        resource.waits = False
        self._evaluate(resource, self._kept[id(resource)].renewed(), assumed=assumed)

    def spoke(self, text: str) -> None:
        """Report what the command of the resource at hand prints, unless nobody may see it."""
        if self._attempt is not None and not self._attempt.sensitive:
            self._emit(ResourceSpoke(id=self._count, text=text))

    def warned(self, text: str) -> None:
        """Let the resource at hand warn of something, once it has ended."""
        if self._attempt is not None:
            self._attempt.resource.warnings.append(text)

    def _evaluate(self, resource: Resource, variables: Variables, *, assumed: bool) -> None:
        self._count += 1
        number, started = self._count, time.monotonic()
        about: dict[str, Any] = {
            "id": number,
            "type": type(resource).__name__,
            "file": resource.file,
            "line": resource.line,
        }
        if self.was_unsure_at_last:
            self.unknown_at = self.unknown_at or resource.place
        self._assuming = self.assuming
        doubts = self.machine.assumptions
        assumed = assumed or self._assuming
        attempt = Attempt(resource, self.machine, ResourceSources(self, variables), assumed=assumed)
        self._attempt = attempt
        given = {name: getattr(resource, name) for name in resource.given}
        for name, variable in taken_as_written(given, variables):
            text = f"{name} takes '{{{{ {variable} }}}}' as it is written; write {name}=T(...) for a template"
            resource.warnings.append(text)
        early = self.values.work_out(resource, variables)
        attempt.assumed = attempt.assumed or self.machine.assumptions > doubts
        self._emit(ResourceStarted(name=resource.label, **about))
        self._warn(resource, resource.warnings)
        told = len(resource.warnings)
        try:
            self._tries(attempt, early, variables).run()
        except BaseException as error:
            self._failed(resource, attempt, error, name=resource.label, duration=time.monotonic() - started, **about)
            if resource.ignore_errors and isinstance(error, OpsMopError):
                return
            raise
        finally:
            self._doubts = self.machine.assumptions
            self._register(resource)
            self._warn(resource, resource.warnings[told:])
        self._emit(
            ResourceFinished(
                name=resource.label,
                status=attempt.status(resource),
                assumed=attempt.assumed,
                changes=self._reports(attempt, attempt.all_changes),
                rc=attempt.completed.rc if attempt.completed else None,
                output=self.shown(attempt.output())[-SHOWN_OUTPUT:],
                duration=time.monotonic() - started,
                **about,
            )
        )
        if resource._changed:  # its property would count as the policy reading it
            self.signals.take(resource, assumed=attempt.assumed)
        if resource.ends_role is not None:
            raise resource.ends_role

    def _warn(self, resource: Resource, texts: Iterable[str]) -> None:
        for text in texts:
            self._emit(Warned(text=f"{resource}: {text}", file=resource.file, line=resource.line))

    def _tries(self, attempt: Attempt, early: OpsMopError | None, variables: Variables) -> Tries:
        resource = attempt.resource
        return Tries(
            attempt,
            variables,
            self.values,
            early=early,
            refuse=lambda: self.signals.refuse_unknown([resource]),
            simulated=self.machine.simulated,
            warn=lambda text: self._emit(Warned(text=text, file=resource.file, line=resource.line)),
            wait=self.machine.wait,
        )

    # Variables

    def _variables_at(self, frame: Any) -> Variables:
        layers = [
            *self._layers,
            Layer("registered results", self._registered),
            *local_layers(frame, CALLER),
            self._extra,
        ]
        return Variables(layers, self._besides, self.options.get("of_others"))

    def _register(self, resource: Resource) -> None:
        if resource.register:
            self._registered[resource.register] = resource

    # Endings

    def _failed(self, resource: Resource, attempt: Attempt, error: BaseException, **about: Any) -> None:
        if isinstance(error, ProviderError) and error.resource is None:
            error.resource = resource
        if isinstance(error, OpsMopError) and not error.place:
            error.place = resource.place
        made = attempt.all_made if not self.machine.simulated else []
        resource.settle(
            changed=bool(made), failed=True, changes=tuple(change.name for change in made), completed=attempt.completed
        )
        self._emit(
            ResourceFailed(
                failure=failure_of(error, self.shown),
                ignored=resource.ignore_errors and isinstance(error, OpsMopError),
                changes=self._reports(attempt, made),
                **about,
            )
        )
        if made:  # the next run will find it changed, and signal nothing
            self.signals.take(resource, assumed=attempt.assumed)

    def _reports(self, attempt: Attempt, changes: list[Change]) -> tuple[ChangeReport, ...]:
        told = not attempt.resource.sensitive
        return tuple(
            ChangeReport(
                name=change.name,
                kind=change.kind,
                assumed=attempt.assumed,
                before=change.before if told else "",
                after=change.after if told else "",
                diff=differences.of_contents(*change.contents, attempt.resource.label)
                if self._diff and change.contents and not attempt.sensitive
                else "",
            )
            for change in changes
        )


class ResourceSources:
    """What a provider may have of the policy's files, with the variables of its resource's place."""

    def __init__(self, evaluation: RoleEvaluation, variables: Variables) -> None:
        self._evaluation, self._variables = evaluation, variables

    def file(self, path: str) -> bytes:
        """See `Sources.file`."""
        evaluation = self._evaluation
        with evaluation.machine.acting_as(None):  # in this process the controller's files are the evaluating user's
            return evaluation._source(path)

    def content(self, path: str, has: Callable[[], str]) -> bytes | Content:
        """See `Sources.content`."""
        evaluation = self._evaluation
        with evaluation.machine.acting_as(None):
            return read_within(self._as_itself, evaluation._source.content(path, has))

    def tree(self, path: str, excludes: Sequence[str]) -> Tree:
        """See `Sources.tree`."""
        evaluation = self._evaluation
        with evaluation.machine.acting_as(None):
            return tree_read_within(self._as_itself, evaluation._source.tree(path, excludes))

    def _as_itself(self) -> AbstractContextManager[None]:
        return self._evaluation.machine.acting_as(None)

    def kept(self, to: str, path: str, content: Content) -> bool:
        """See `Sources.kept`."""
        evaluation = self._evaluation
        with evaluation.machine.acting_as(None):
            return evaluation._source.kept(to, path, content)

    def keep(self, to: str, path: str, content: Content) -> None:
        """See `Sources.keep`."""
        evaluation = self._evaluation
        with evaluation.machine.acting_as(None):
            evaluation._source.keep(to, path, content)

    def rendered(self, path: str, syntax: Syntax | None = None) -> bytes:
        """See `Sources.rendered`."""
        evaluation = self._evaluation
        with evaluation.machine.acting_as(None):
            return evaluation.values.rendered(path, self._variables, syntax)
