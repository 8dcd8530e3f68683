"""What was given as T(...) or Eval(...), worked out where it is needed."""

from __future__ import annotations

from opsmop.errors import OpsMopError
from opsmop.language.additions import Additions
from opsmop.language.fields import accepted, declared
from opsmop.language.lookups import Late, LateExpression, is_late
from opsmop.language.resource import JUDGES, Resource
from opsmop.language.scope import Layer, Variables
from opsmop.target.prepared import Prepared, has_syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from opsmop.language.syntax import Syntax


class Values:
    """Works out late values and renders templates.

    :param source: the content of a controller's file, by the path that the policy names
    :param additions: what the policy adds for templates
    :param facts: what templates see besides variables, by name
    :param prepared: templates that came as Python: see `opsmop.target.prepared`
    """

    def __init__(
        self,
        source: Callable[[str], bytes],
        additions: Additions,
        facts: Mapping[str, Any],
        prepared: Mapping[str, str] | None = None,
    ) -> None:
        self._source, self._additions, self._facts = source, additions, facts
        self._prepared = Prepared(prepared or {})
        self._templates_made: Any = None

    def work_out(self, resource: Resource, variables: Variables) -> OpsMopError | None:
        """Replace what was given late by what it comes to here; the error, if something does not."""
        try:
            self._replace(resource, variables)
        except OpsMopError as error:
            return error
        return None

    def rendered(self, path: str, variables: Variables, syntax: Syntax | None = None) -> bytes:
        """The template file that the policy names.

        :param syntax: how it is written; what came as Python is written in Jinja's usual way, and is none of it
        :raises TemplateError: if it does not parse or uses a name that nothing defines
        """
        text = self._prepared.rendered(path, variables, self._facts) if syntax is None else None
        if text is not None:
            return text.encode()
        content: bytes = self._source(path)
        if not (has_syntax(content) if syntax is None else has_syntax(content, syntax.marks)):
            return content
        rendered: bytes = self._templates().file(path, variables, syntax)
        return rendered

    def holds(self, condition: Any, resource: Resource, variables: Variables) -> bool:
        """Whether a judge (a bool, an expression, a callable of the result) says yes."""
        if isinstance(condition, Late):
            own = {"rc": resource.rc, "data": resource.data, "stdout": resource.stdout, "stderr": resource.stderr}
            here = variables.below(Layer("the result", {**own, "result": resource}))
            return bool(self._resolved(condition, here, resource.place))
        return bool(condition(resource) if callable(condition) else condition)

    def _replace(self, resource: Resource, variables: Variables) -> None:
        for name in resource.given:
            value = getattr(resource, name)
            if name in JUDGES or not is_late(value):
                continue
            entry, worked_out = declared(type(resource))[name], self._resolved(value, variables, resource.place)
            setattr(resource, name, accepted(type(resource), entry, worked_out, resource.place))
        if not resource.checked:
            resource.examine()
            resource.checked = True

    def _resolved(self, value: Any, variables: Variables, place: str) -> Any:
        if isinstance(value, LateExpression):
            return self._templates().value(value.text, variables, place)
        if isinstance(value, Late):
            return self._text(value.text, variables, place)
        if isinstance(value, dict) and is_late(value):
            return {key: self._resolved(entry, variables, place) for key, entry in value.items()}
        if isinstance(value, (list, tuple)) and is_late(value):
            return [self._resolved(entry, variables, place) for entry in value]
        return value

    def _text(self, text: str, variables: Variables, place: str) -> str:
        if not has_syntax(text):
            return text
        prepared = self._prepared.rendered(text, variables, self._facts)
        if prepared is not None:
            return prepared
        rendered: str = self._templates().text(text, variables, place)
        return rendered

    def _templates(self) -> Any:
        if self._templates_made is None:
            from opsmop.target.templates import Templates  # jinja2 costs 80 ms that a role without templates saves

            self._templates_made = Templates(self._source, self._additions, self._facts)
        return self._templates_made
