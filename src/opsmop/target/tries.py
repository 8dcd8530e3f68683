"""A resource is tried, judged, and tried again as long as its author allows."""

from __future__ import annotations

from opsmop.errors import CommandFailed, FileRefusedError, NoProviderError, OpsMopError, ProviderError, TemplateError
from opsmop.language.provider import Change
from opsmop.language.scope import Variables
from opsmop.target.attempt import Attempt
from opsmop.target.values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

# What another try cannot mend.
_FOR_GOOD = (FileRefusedError, NoProviderError)


class Tries:
    """All tries of one resource.

    :param attempt: what is tried
    :param early: what went wrong before it could be tried
    :param simulated: whether nothing may be changed
    """

    def __init__(
        self,
        attempt: Attempt,
        variables: Variables,
        values: Values,
        *,
        early: OpsMopError | None,
        refuse: Callable[[], None],
        simulated: bool,
        warn: Callable[[str], None],
        wait: Callable[[float], None],
    ) -> None:
        self._attempt, self._variables, self._values = attempt, variables, values
        self._early, self._refuse, self._simulated = early, refuse, simulated
        self._warn, self._wait = warn, wait

    def run(self) -> None:
        """Try it until it is as it should be.

        What fails in check only because something is not known yet is announced, and neither failed nor tried again.

        :raises OpsMopError: if it cannot be, with the last try's error
        """
        left = self._attempt.resource.tries_left
        while (error := self._failure()) is not None:
            if self._simulated and self._attempt.assumed and not isinstance(error, FileRefusedError):
                self._announce(error)
                return
            if not left or isinstance(error, (TemplateError, *_FOR_GOOD)):
                raise error
            left -= 1
            self._again(error, left)

    def _failure(self) -> ProviderError | TemplateError | None:
        try:
            self._try()
        except (ProviderError, TemplateError) as error:
            self._attempt.resource.discreet(error)
            return error
        return None

    def _try(self) -> None:
        if self._early is not None:
            raise self._early
        self._refuse()
        self._attempt.run()
        self._judge()
        self._insist()

    def _announce(self, error: OpsMopError) -> None:
        attempt = self._attempt
        attempt.changes = [Change("cannot be predicted", lambda: None, after=error.message)]
        attempt.settle(changed=True, failed=False)

    def _again(self, error: OpsMopError, left: int) -> None:
        resource = self._attempt.resource
        if not isinstance(error, NotYetError):
            number = resource.tries_left - left
            self._warn(f"{resource}: try {number} of {resource.tries_left + 1} failed ({error.message}); trying again")
        self._attempt.begin_again()
        self._wait(resource.delay)

    def _judge(self) -> None:
        """Let `failed_when` and `changed_when` decide. Commands that check did not run are not judged, but for those that
        never count as a change; nor is what a guard kept from running.
        """
        attempt, resource = self._attempt, self._attempt.resource
        changed, failed = bool(attempt.all_changes), attempt.error is not None
        if attempt.guarded:
            attempt.settle(changed=changed, failed=failed)
            return
        attempt.settle(changed=changed, failed=failed, assumed=False)
        if attempt.completed is None or attempt.completed.known:
            if resource.failed_when is not None:
                failed = self._holds(resource.failed_when)
            if resource.changed_when is not None:
                changed = attempt.judged_changed = self._holds(resource.changed_when)
        elif resource.changed_when is False:
            changed = attempt.judged_changed = False
        else:
            attempt.assumed = attempt.assumed or resource.changed_when is not None
        attempt.settle(changed=changed, failed=failed)
        if failed:
            raise attempt.error or self._failed_by_decision()

    def _insist(self) -> None:
        """Let `until` decide whether that was enough. In check it judges only what ran."""
        attempt, resource = self._attempt, self._attempt.resource
        if resource.until is None or attempt.guarded:
            return
        if self._simulated and (attempt.completed is None or not attempt.completed.known):
            return
        if not self._holds(resource.until):
            raise self._with_command(NotYetError, f"`until` does not hold after {resource.tries_left + 1} tries")

    def _holds(self, condition: object) -> bool:
        return self._values.holds(condition, self._attempt.resource, self._variables)

    def _failed_by_decision(self) -> ProviderError:
        return self._with_command(CommandFailed, "failed_when says that it failed")

    def _with_command(self, kind: type[CommandFailed], said: str) -> ProviderError:
        resource, completed = self._attempt.resource, self._attempt.completed
        if completed is None:
            plain = NotYetError if kind is NotYetError else ProviderError
            return plain(f"{resource}: {said}", resource=resource)
        return kind(
            f"{resource}: {said}",
            command=completed.command, rc=completed.rc, output=completed.output, completed=completed, resource=resource,
        )  # fmt: skip


class NotYetError(CommandFailed):
    """`until` does not hold yet."""
