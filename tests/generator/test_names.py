"""The rules of a worker's name, in the command line and in copier.yml alike."""

from __future__ import annotations

import keyword

import pytest
from gen_worker.cli.app import command_line
from gen_worker.errors import InvalidNameError
from gen_worker.new.names import check_name, nearest_name
from gen_worker.template.catalog import load_catalog
from gen_worker.template.definition import load_template
from gen_worker.template.jinja import Renderer
from rendering import PROJECT

TEMPLATE = load_template(PROJECT)
RESERVED = load_catalog(TEMPLATE).reserved_names

GOOD = ["payment", "a", "a1", "public-data", "order-sync-2", "matching", "x" * 40]
BAD = [
    "",
    "Payment",
    "pay_ment",
    "pay ment",
    "1payment",
    "-payment",
    "payment-",
    "pay--ment",
    "x" * 41,
    "..",
    "../evil",
    "a/b",
    "/etc",
    ".git",
    ".git/hooks",
    "payment\n",
    "pay\nment",
    "payment\x00",
    "결제",
    "café",
    "import",
    "async",
    "list",
    "update",
    "status",
    "add",
    "remove",
    "diff",
    "new",
]


def copier_accepts(name: str) -> bool:
    """Ask copier.yml's own validator, the only one that plain `copier copy` has."""
    renderer = Renderer(TEMPLATE)
    catalog = renderer.value(TEMPLATE.questions["catalog"]["default"], {})
    import yaml

    context = {"worker_type": name, "catalog": yaml.safe_load(catalog)}
    return not renderer.text(TEMPLATE.questions["worker_type"]["validator"], context).strip()


@pytest.mark.parametrize("name", GOOD)
def test_good_names_pass_both_checks(name: str) -> None:
    """A good name is taken as it is."""
    assert check_name(name, RESERVED) == name
    assert copier_accepts(name)


@pytest.mark.parametrize("name", BAD)
def test_bad_names_fail_both_checks(name: str) -> None:
    """A bad name is refused by the command line and by copier.yml."""
    with pytest.raises(InvalidNameError):
        check_name(name, RESERVED)
    assert not copier_accepts(name)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Payment", "payment"),
        ("orderSync", "order-sync"),
        ("pay_ment  2", "pay-ment-2"),
        ("--x--", "x"),
        ("42nd", "nd"),
        ("../evil", "evil"),
        ("Café", "cafe"),
        ("import", "import-jobs"),
        ("list", "list-jobs"),
        ("x" * 50, "x" * 40),
        ("payment\n", "payment"),
        ("결제", None),
        ("", None),
    ],
)
def test_the_nearest_valid_name_is_suggested(name: str, suggestion: str | None) -> None:
    """What is suggested keeps as much of the input as the rules allow."""
    assert nearest_name(name, RESERVED) == suggestion
    with pytest.raises(InvalidNameError, match=f'Try "{suggestion}"' if suggestion else "example"):
        check_name(name, RESERVED)


@pytest.mark.parametrize(
    ("name", "short"),
    [("worker-payment", "payment"), ("worker-list", "list-jobs"), ("worker-worker-x", "x")],
)
def test_the_folders_prefix_is_no_part_of_a_name(name: str, short: str) -> None:
    """It would be there twice; the sentence says what to type."""
    with pytest.raises(InvalidNameError, match=f"worker-{name}: run gen-worker {short}[.]"):
        check_name(name, RESERVED)
    assert nearest_name("Worker Payment", RESERVED) == "payment"


def test_control_characters_are_shown_escaped() -> None:
    """A hostile name cannot write to the terminal."""
    with pytest.raises(InvalidNameError) as caught:
        check_name("a\x1b[31m\n" * 50, RESERVED)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


def test_all_python_keywords_are_reserved() -> None:
    """The list in copier.yml is Python's own; soft keywords such as match stay usable."""
    assert set(RESERVED["Python keyword"]) == {word for word in keyword.kwlist if word.islower()}


def test_all_commands_are_reserved() -> None:
    """A worker's name can never be taken for a command."""
    app = command_line()
    commands = {command.name for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    assert commands <= set(RESERVED["gen-worker command"])
