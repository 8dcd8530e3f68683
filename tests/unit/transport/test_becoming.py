"""What sudo says, of SELinux's roles and types above all, as errors that say what to do."""

import pytest

from opsmop.transport.base import Route
from opsmop.transport.becoming import sudo_failure, why_no_terminal_helped

REFUSES = "has a policy of SELinux that refuses that role or type"
KNOWS_NOTHING = "has a sudo that knows nothing of SELinux"
USAGE = "usage: sudo -h | -K | -k | -V\nusage: sudo -v [-AknS] [-g group] [-h host] [-p prompt] [-u user]\n"

# Of sudo's src/selinux.c and src/parse_args.c, and of sudo-rs; the errors of setexeccon(3) and execve(2) are the kernel's.
SAID = [
    ("sudo: you must specify a role for type sysadm_t", "wants a role of SELinux with the type"),
    ("sudo: unable to get default type for role wrong_r", REFUSES),
    ("sudo: failed to set new role wrong_r: Invalid argument", REFUSES),
    ("sudo: failed to set new type wrong_t: Invalid argument", REFUSES),
    ("sudo: staff_u:wrong_r:wrong_t:s0 is not a valid context", REFUSES),
    ("sudo: unable to set exec context to staff_u:sysadm_r:sysadm_t:s0: Permission denied", REFUSES),
]
SAID_OF_OPTIONS = [
    (USAGE, KNOWS_NOTHING),
    (f"invalid option provided\n{USAGE}", KNOWS_NOTHING),
    ("sudo: unable to execute /usr/bin/python3: Permission denied", REFUSES),
]
ASKED = Route("web1", user="ops", become="root", sudo_role="sysadm_r", sudo_type="sysadm_t")
BARE = Route("web1", user="ops", become="root")


@pytest.mark.parametrize(("said", "told"), [*SAID, *SAID_OF_OPTIONS])
def test_what_sudo_has_against_a_role_or_a_type_is_told_on_both_ways(said: str, told: str) -> None:
    for error in (sudo_failure(ASKED, said), why_no_terminal_helped(ASKED, "sudo", said)):
        assert error is not None
        assert told in error.message
        assert error.message.endswith(said.strip().splitlines()[-1])
        assert "opsmop_sudo_role" in str(error.remedy)
        assert error.host == "web1"


@pytest.mark.parametrize(("said", "told"), SAID)
def test_sudoers_may_have_named_them_too(said: str, told: str) -> None:
    error = sudo_failure(BARE, said)
    assert error is not None
    assert told in error.message
    assert "sudoers" in str(error.remedy)


@pytest.mark.parametrize(("said", "told"), SAID_OF_OPTIONS)
def test_selinux_is_not_blamed_where_nobody_asked_for_it(said: str, told: str) -> None:
    assert told not in str(sudo_failure(BARE, said))
    assert told not in str(why_no_terminal_helped(BARE, "sudo", said))


def test_what_sudo_says_after_its_reason_does_not_hide_that() -> None:
    error = sudo_failure(BARE, "sudo: unknown user ann\nsudo: error initializing audit plugin sudoers_audit\n")
    assert error is not None
    assert error.message.endswith("sudo: unknown user ann")
