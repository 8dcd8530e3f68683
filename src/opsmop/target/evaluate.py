"""Look, plan, make, look again: what happens when a resource is constructed. The only caller of providers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from opsmop.errors import CommandFailed, FileRefusedError, OpsMopError, ProviderError, TemplateError
from opsmop.events import ChangeReport, Event, ResourceFailed, ResourceFinished, ResourceStarted, Warned
from opsmop.language.additions import Additions
from opsmop.language.fields import accepted, declared
from opsmop.language.lookups import Late, LateExpression, is_late
from opsmop.language.machine import Machine
from opsmop.language.provider import Change
from opsmop.language.resource import JUDGES, Resource
from opsmop.language.scope import Layer, Variables, local_layers
from opsmop.target import differences
from opsmop.target.attempt import Attempt
from opsmop.target.failures import failure_of
from opsmop.target.handlers import Signals

SHOWN_OUTPUT = 4096  # characters of a command's output that a good ending carries; a failure carries more
CALLER = "opsmop.target.run_role"  # the module whose frame ends the search for local variables
EmitEvent = Callable[[Event], None]


class RoleEvaluation:
    """One role being evaluated on one host; what `opsmop.language.evaluation.Evaluation` promises.

    :param machine: real to apply, simulated to check
    :param layers: the variables that are known before the role runs
    :param extra: the layer that wins over all
    :param facts: what templates see besides variables, by name
    :param additions: what the policy adds for templates; its facts are among `facts` already
    :param options: as `Order.options` has them
    :param source: the content of a controller's file, by the path that the policy names
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
        source: Callable[[str], bytes],
        emit: EmitEvent,
        hide: Callable[[str], None],
        shown: Callable[[str], str],
        diff: bool,
    ) -> None:
        self.machine, self.hide, self.shown = machine, hide, shown
        self.remembered: dict[str, Any] = {}
        self.beyond_prediction = False  # policy code has read a value that is not there
        self._doubts = 0  # of the machine's assumptions, those that resources made and that are accounted for
        self._assuming = False  # what comes now follows from something that check cannot know
        self.facts, self.options, self._additions = facts, options, additions
        self._layers, self._extra = list(layers), extra
        self._registered: dict[str, Any] = {}
        self._source, self._emit, self._diff = source, emit, diff
        self._count = 0
        self._templates_made: Any = None
        self.signals = Signals()
        self._declared: dict[int, Variables] | None = None  # while resources are only declared: theirs, by identity
        self._kept: dict[int, Variables] = {}

    # What resources, facts and self.vars ask

    def unknown_was_read(self, *, value: bool) -> None:
        """See `Evaluation.unknown_was_read`."""
        self._assuming = True
        self.beyond_prediction = self.beyond_prediction or value

    def variables(self) -> Variables:
        """See `Evaluation.variables`."""
        return self._variables_at(sys._getframe(1))

    def declared(self, construct: Callable[[], Any]) -> Any:
        """What `construct` gives; resources that it constructs are not evaluated, and keep their place's variables."""
        self._declared = self._kept
        try:
            return construct()
        finally:
            self._declared = None

    def evaluate(self, resource: Resource) -> None:
        """See `Evaluation.evaluate`."""
        variables = self._variables_at(resource.frame)
        if self._declared is not None:
            self._declared[id(resource)] = variables
            return
        self._evaluate(resource, variables, assumed=False)

    @property
    def assuming(self) -> bool:
        """Whether what comes now follows from something that check cannot know."""
        return self._assuming

    def evaluate_declared(self, resource: Resource, *, assumed: bool = False) -> None:
        """Evaluate a resource that was constructed while `declaring`.

        :raises ProviderError: as `evaluate`
        """
        self._evaluate(resource, self._kept[id(resource)].with_values(self._registered), assumed=assumed)

    def _evaluate(self, resource: Resource, variables: Variables, *, assumed: bool) -> None:
        self._count += 1
        number, started = self._count, time.monotonic()
        about: dict[str, Any] = {
            "id": number,
            "type": type(resource).__name__,
            "file": resource.file,
            "line": resource.line,
        }
        # A fact that the policy asked may have been answered only as things are now, and the policy may act on it.
        self._assuming = self._assuming or self.machine.assumptions > self._doubts
        doubts = self.machine.assumptions
        assumed = assumed or self._assuming
        attempt = Attempt(resource, self.machine, ResourceSources(self, variables), assumed=assumed)
        early = self._work_out(resource, variables)
        attempt.assumed = attempt.assumed or self.machine.assumptions > doubts
        self._emit(ResourceStarted(name=resource.label, **about))
        for warning in resource.warnings:
            self._emit(Warned(text=f"{resource}: {warning}", file=resource.file, line=resource.line))
        try:
            self._attempted(attempt, early)
            self._judge(resource, attempt, variables)
        except BaseException as error:
            self._failed(resource, attempt, error, name=resource.label, duration=time.monotonic() - started, **about)
            if resource.ignore_errors and isinstance(error, OpsMopError):
                return
            raise
        finally:
            self._doubts = self.machine.assumptions
            self._register(resource)
        self._emit(
            ResourceFinished(
                name=resource.label,
                status=attempt.status(resource),
                assumed=attempt.assumed,
                changes=self._reports(attempt, attempt.changes),
                rc=attempt.completed.rc if attempt.completed else None,
                output=self.shown(attempt.output())[-SHOWN_OUTPUT:],
                duration=time.monotonic() - started,
                **about,
            )
        )
        if resource._changed:  # its property would count as the policy reading it
            self.signals.take(resource, assumed=attempt.assumed)

    def _attempted(self, attempt: Attempt, early: OpsMopError | None) -> None:
        """Run it. What fails in check only because something is not known yet is announced, not failed."""
        try:
            if early is not None:
                raise early
            self.signals.refuse_unknown([attempt.resource])
            attempt.run()
        except (ProviderError, TemplateError) as error:
            depends_on_the_host = not isinstance(error, FileRefusedError)
            if not (self.machine.simulated and attempt.assumed and depends_on_the_host):
                raise
            attempt.changes = [Change("cannot be predicted", lambda: None, after=error.message)]

    # Variables

    def _variables_at(self, frame: Any) -> Variables:
        layers = [
            *self._layers,
            Layer("registered results", self._registered),
            *local_layers(frame, CALLER),
            self._extra,
        ]
        return Variables(layers)

    def _register(self, resource: Resource) -> None:
        if resource.register:
            self._registered[resource.register] = resource

    def _work_out(self, resource: Resource, variables: Variables) -> OpsMopError | None:
        """Replace what was given as T(...), Eval(...) by what it comes to here; the error, if one does not."""
        try:
            self._replace_late(resource, variables)
        except OpsMopError as error:
            return error
        return None

    def _replace_late(self, resource: Resource, variables: Variables) -> None:
        for name, entry in declared(type(resource)).items():
            value = getattr(resource, name)
            if name in JUDGES:
                continue
            worked_out = self._resolved(value, variables, resource.place)
            if worked_out is not value:
                setattr(resource, name, accepted(type(resource), entry, worked_out, resource.place))
        if not resource.checked:
            resource.checked = True
            resource.check()

    def _resolved(self, value: Any, variables: Variables, place: str) -> Any:
        if isinstance(value, LateExpression):
            return self._templates().value(value.text, variables, self.facts, place)
        if isinstance(value, Late):
            return self._templates().text(value.text, variables, self.facts, place)
        if isinstance(value, dict) and is_late(value):
            return {key: self._resolved(entry, variables, place) for key, entry in value.items()}
        if isinstance(value, (list, tuple)) and is_late(value):
            return [self._resolved(entry, variables, place) for entry in value]
        return value

    def _templates(self) -> Any:
        if self._templates_made is None:
            from opsmop.target.templates import Templates  # jinja2 costs 80 ms that a role without templates saves

            self._templates_made = Templates(self._source, self._additions)
        return self._templates_made

    # Endings

    def _judge(self, resource: Resource, attempt: Attempt, variables: Variables) -> None:
        """Let `failed_when` and `changed_when` decide. Commands that check did not run are not judged."""
        names = tuple(change.name for change in attempt.changes)
        changed, failed = bool(attempt.changes), attempt.error is not None
        resource.settle(changed=changed, failed=failed, changes=names, completed=attempt.completed)
        if attempt.completed is None or attempt.completed.known:
            if resource.failed_when is not None:
                failed = self._decided(resource.failed_when, resource, variables)
            if resource.changed_when is not None:
                changed = attempt.judged_changed = self._decided(resource.changed_when, resource, variables)
        else:
            attempt.assumed = attempt.assumed or resource.changed_when is not None
        resource.settle(
            changed=changed, failed=failed, changes=names, completed=attempt.completed, assumed=attempt.assumed
        )
        if failed:
            raise attempt.error or self._failed_by_decision(resource, attempt)

    def _decided(self, condition: Any, resource: Resource, variables: Variables) -> bool:
        if isinstance(condition, Late):
            own = {"rc": resource.rc, "data": resource.data, "stdout": resource.stdout, "stderr": resource.stderr}
            here = Variables([Layer("variables", variables), Layer("the result", {**own, "result": resource})])
            return bool(self._resolved(condition, here, resource.place))
        return bool(condition(resource) if callable(condition) else condition)

    def _failed_by_decision(self, resource: Resource, attempt: Attempt) -> ProviderError:
        completed = attempt.completed
        if completed is None:
            return ProviderError(f"{resource}: failed_when says that it failed", resource=resource)
        return CommandFailed(
            f"{resource}: failed_when says that it failed",
            command=completed.command, rc=completed.rc, output=completed.output, completed=completed, resource=resource,
        )  # fmt: skip

    def _failed(self, resource: Resource, attempt: Attempt, error: BaseException, **about: Any) -> None:
        if isinstance(error, ProviderError) and error.resource is None:
            error.resource = resource
        if isinstance(error, OpsMopError) and not error.place:
            error.place = resource.place
        made = attempt.made if not self.machine.simulated else []
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

    def _reports(self, attempt: Attempt, changes: list[Change]) -> tuple[ChangeReport, ...]:
        return tuple(
            ChangeReport(
                name=change.name,
                kind=change.kind,
                assumed=attempt.assumed,
                before=change.before,
                after=change.after,
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
        return self._evaluation._source(path)

    def rendered(self, path: str) -> bytes:
        """See `Sources.rendered`."""
        evaluation = self._evaluation
        content: bytes = evaluation._templates().file(path, self._variables, evaluation.facts)
        return content
