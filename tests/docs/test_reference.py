"""The reference page says what the declarations say."""

from pathlib import Path

from opsmop.commands.pages import page as commands_page
from opsmop.reference import page, types

PAGE = Path(__file__).parents[2] / "docs" / "resources.md"


def test_the_page_is_what_the_declarations_say() -> None:
    assert PAGE.read_text() == page(), "make it anew: python3 -m opsmop.reference > docs/resources.md"


def test_every_type_is_on_it_and_every_parameter_says_what_it_is() -> None:
    text = page()
    assert [kind.__name__ for kind in types()] == [line[3:] for line in text.splitlines() if line.startswith("## ")][1:]
    assert "|  |" not in text


def test_the_page_of_commands_is_what_their_parsers_say() -> None:
    path = PAGE.with_name("commands.md")
    assert path.read_text() == commands_page(), "make it anew: python3 -m opsmop.commands.pages > docs/commands.md"
