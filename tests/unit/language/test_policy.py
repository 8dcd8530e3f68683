"""What a policy is made of is refused at once where it makes no sense."""

import pytest

from opsmop import PolicyError, Resources, Role, Roles


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
