"""What a policy is made of is refused at once where it makes no sense."""

from typing import Any

import pytest

from opsmop import Policy, PolicyError, Resources, Role, Roles


def test_a_role_whose_main_is_misspelt_is_refused_with_the_right_name() -> None:
    class Web(Role):
        def mian(self) -> None: ...

    with pytest.raises(PolicyError, match=r"Web has no main\(\) and no set_resources\(\)") as caught:
        Roles(Web())
    assert "did you mean main()?" in str(caught.value)


def test_a_role_with_only_declared_resources_or_only_hooks_is_a_role() -> None:
    class Declares(Role):
        def set_resources(self) -> Resources:
            return Resources()

    class Hooks(Role):
        def before_connect(self, host: object) -> None: ...

    assert len(Roles(Declares(), Hooks(), Role())) == 3


def test_a_class_in_place_of_a_role_is_refused_with_the_remedy() -> None:
    with pytest.raises(PolicyError, match="is the class Role") as caught:
        Roles(Role)
    assert "Write Role()." in str(caught.value)


def test_a_role_or_policy_whose_own_constructor_calls_no_other_is_one_all_the_same() -> None:
    class Port(Role):
        def __init__(self, port: int) -> None:
            self.port = port

    class Site(Policy):
        def __init__(self) -> None:
            pass

    role, site = Port(80), Site()
    assert (role.name, role.tags, role.constructor_variables, role.port) == ("Port", (), {}, 80)
    assert (site.name, site.tags, site.constructor_variables) == ("Site", (), {})


@pytest.mark.parametrize("made", [Role, Policy])
def test_names_and_tags_are_texts(made: Any) -> None:
    assert made(tag="a", tags=["b", "a"]).tags == ("a", "b")
    with pytest.raises(PolicyError, match=r"\(name=...\) takes a text, not 3"):
        made(name=3)
    with pytest.raises(PolicyError, match="a tag is a word, not int 3") as caught:
        made(tags=[3])
    assert "Write tag='3'." in str(caught.value)


def test_an_attribute_that_is_a_variable_is_told_as_one() -> None:
    with pytest.raises(
        AttributeError, match=r"'Role' object has no attribute 'port'; the variable is self\.vars\.port$"
    ):
        _ = Role(port=80).port  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"'Role' object has no attribute 'prot'$"):
        _ = Role(port=80).prot  # type: ignore[attr-defined]
    assert not hasattr(Role(), "before_connect")
