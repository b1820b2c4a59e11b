"""The texts of the generated repository: both languages, every module, nothing left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rendering import PROJECT, render
from variants import CATALOG, EVERY_MODULE

LANGUAGES = ("en", "ko")


def readme(folder: Path, language: str) -> str:
    """Render the README of a worker with every module.

    Args:
        folder: Where.
        language: The answer to docs_language.

    Returns:
        Its text.
    """
    parent = folder / language
    parent.mkdir()
    worker = render(parent, "payment", docs_language=language, **EVERY_MODULE)
    return (worker / "README.md").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_readme_is_complete_and_tidy(tmp_path: Path, language: str) -> None:
    """No empty line twice, no Jinja, a heading for every module."""
    text = readme(tmp_path, language)
    assert "{{" not in text
    assert "{%" not in text
    assert not re.search(r"\n{4,}", text)
    assert text.endswith("\n")
    for name in CATALOG.modules:
        partial = PROJECT / "partials" / "readme" / language / f"{name}.md"
        heading = partial.read_text().lstrip().splitlines()[0]
        assert heading.startswith("### ")
        assert f"\n{heading}\n" in text


def test_readmes_show_the_same_code(tmp_path: Path) -> None:
    """The languages differ in their words only; modules may differ in their comments."""
    block = re.compile(r"^```python\n.*?^```$", re.MULTILINE | re.DOTALL)
    code = {language: block.findall(readme(tmp_path, language))[:4] for language in LANGUAGES}
    assert code["en"] == code["ko"]
    assert code["en"]


def test_korean_readme_is_korean(tmp_path: Path) -> None:
    """Its headings are, but for those of the modules, which are names."""
    headings = re.findall(r"^## (.*)$", readme(tmp_path, "ko"), re.MULTILINE)
    assert headings
    assert all(re.search(r"[가-힣]", heading) for heading in headings)


def test_every_module_brings_its_variables_to_env_example(tmp_path: Path) -> None:
    """And none of them is there when no module is chosen."""
    full = (render(tmp_path, "payment", **EVERY_MODULE) / ".env.example").read_text()
    none: dict[str, object] = dict.fromkeys(EVERY_MODULE, False)
    core = (render(tmp_path, "mini", **none) / ".env.example").read_text()
    for name in CATALOG.modules:
        partial = (PROJECT / "partials" / "env" / f"{name}.env").read_text().strip()
        assert partial in full
        assert partial not in core
