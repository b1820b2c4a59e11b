"""Reading copier.yml."""

from __future__ import annotations

from pathlib import Path

import pytest
from gen_worker.errors import TemplateError
from gen_worker.template.catalog import load_catalog, module_question
from gen_worker.template.definition import find_template, load_template, parse_yaml

QUESTION = "name:\n  type: str\n  default: x\n"


def written(tmp_path: Path, text: str) -> Path:
    """Write a copier.yml."""
    (tmp_path / "copier.yml").write_text(text)
    return tmp_path


def test_the_projects_own_template_is_found_and_supported() -> None:
    """A checkout renders from its own root."""
    template = load_template(find_template())
    assert template.files_root.is_dir()
    assert list(template.questions)[:3] == ["catalog", "worker_type", "preset"]


def test_every_module_of_the_project_has_its_question_and_no_more() -> None:
    """The catalogue and the with_ questions name the same modules."""
    template = load_template(find_template())
    asked = {name for name in template.questions if name.startswith("with_")}
    catalog = load_catalog(template)
    assert asked == {module_question(name) for name in catalog.modules}
    for preset in catalog.presets.values():
        assert set(preset.modules) <= set(catalog.modules)


def test_what_was_parsed_belongs_to_who_asked() -> None:
    """The same text is parsed once, and a template may change what it gets."""
    parse_yaml("presets: {payment: [database]}")["presets"]["payment"].append("mail")
    assert parse_yaml("presets: {payment: [database]}") == {"presets": {"payment": ["database"]}}


def test_included_files_take_their_place(tmp_path: Path) -> None:
    """`!include` works as in Copier, and excludes of all sections add up."""
    (tmp_path / "more.yml").write_text(f"{QUESTION}_exclude: [b]\n")
    root = written(tmp_path, "_exclude: [a]\n---\n!include more.yml\n---\n_subdirectory: t\n")
    template = load_template(root)
    assert list(template.questions) == ["name"]
    assert template.settings == {"exclude": ["a", "b"], "subdirectory": "t"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("_tasks: [rm]\n", "tasks"),
        ("_jinja_extensions: [x]\n", "jinja_extensions"),
        ("name: plain default\n", "must state its type"),
        ("name:\n  type: str\n  secret: true\n", "secret"),
        ("name: [\n", "not valid YAML"),
        ("name: !!python/object/apply:os.system [id]\n", "not valid YAML"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    """Nothing in copier.yml is ignored in silence."""
    with pytest.raises(TemplateError, match=message):
        load_template(written(tmp_path, text))


def test_a_module_without_a_question_is_refused(sample_template: Path, tmp_path: Path) -> None:
    """A catalogue entry alone would make --with do nothing."""
    text = (sample_template / "copier.yml").read_text()
    root = written(tmp_path, text.replace("mail: {title", "fax: {title: f}\n      mail: {title"))
    with pytest.raises(TemplateError, match="with_fax"):
        load_catalog(load_template(root))


def test_an_incomplete_catalog_is_refused(sample_template: Path, tmp_path: Path) -> None:
    """A preset without advice is found when it is read, not when it is shown."""
    text = (sample_template / "copier.yml").read_text()
    root = written(tmp_path, text.replace("        advice: 1-3\n", ""))
    with pytest.raises(TemplateError, match="advice"):
        load_catalog(load_template(root))
