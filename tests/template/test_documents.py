"""The documents of the generated repository: both languages, every module, no broken link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rendering import PROJECT, render
from variants import CATALOG, EVERY_MODULE

LANGUAGES = ("en", "ko")
PARTIALS = PROJECT / "partials"
WORDS_OF_README = 900
FILES_TO_READ = 15
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each language of the documents."""
    return str(request.param)


@pytest.fixture
def worker(tmp_path: Path, language: str) -> Path:
    """A worker with every module, its documents in that language."""
    return render(tmp_path, "payment", docs_language=language, **EVERY_MODULE)


def documents(worker: Path) -> list[Path]:
    """List every document of a repository."""
    return [*sorted(worker.glob("*.md")), *sorted(worker.glob("docs/**/*.md"))]


def code_of(text: str) -> list[str]:
    """List the Python blocks of a document."""
    return re.findall(r"^```python\n.*?^```$", text, re.MULTILINE | re.DOTALL)


def prose_of(text: str) -> str:
    """Return a document with an empty block in place of each block of code."""
    return re.sub(r"```.*?```", "```", text, flags=re.DOTALL)


def test_documents_are_tidy(worker: Path) -> None:
    """No Jinja is left, no gap of two empty lines, and each begins with its one heading."""
    for path in documents(worker):
        text = path.read_text()
        prose = prose_of(text)
        assert not re.search(r"{%|{{", text), path
        assert not re.search(r"\n{3,}", prose), path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert re.findall(r"^# .*$", prose, re.MULTILINE) == [text.splitlines()[0]], path


@pytest.mark.parametrize("preset", CATALOG.presets)
def test_the_readme_is_read_in_one_sitting(tmp_path: Path, language: str, preset: str) -> None:
    """With every module, too."""
    answers = {"preset": preset, "docs_language": language, **EVERY_MODULE}
    text = (render(tmp_path, "payment", **answers) / "README.md").read_text()
    assert len(text.split()) < WORDS_OF_README


def test_the_readme_names_the_files_to_read(worker: Path) -> None:
    """They are few, and each of them is there."""
    text = (worker / "README.md").read_text()
    section = re.split(r"^## ", text, flags=re.MULTILINE)[2]
    named = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert named
    assert len(named) <= FILES_TO_READ
    assert [name for name in named if not (worker / name).exists()] == []


def test_links_lead_to_files(worker: Path) -> None:
    for path in documents(worker):
        broken = [to for to in _LINK.findall(path.read_text()) if not (path.parent / to).exists()]
        assert broken == [], path


def test_every_module_has_a_document(worker: Path) -> None:
    readme = (worker / "README.md").read_text()
    for name in CATALOG.modules:
        assert (worker / "docs" / "modules" / f"{name}.md").is_file()
        assert f"[{name}](docs/modules/{name}.md)" in readme


@pytest.mark.parametrize("name", ["README.md", "docs/publish.md"])
def test_languages_show_the_same_code(tmp_path: Path, name: str) -> None:
    """They differ in their words only."""
    shown = {}
    for language in LANGUAGES:
        parent = tmp_path / language
        parent.mkdir()
        worker = render(parent, "payment", docs_language=language, **EVERY_MODULE)
        shown[language] = code_of((worker / name).read_text())
    assert shown["en"] == shown["ko"] != []


def test_korean_documents_are_korean() -> None:
    """One register, one spelling, and a counterpart for each English text."""
    for kind in ("env", "readme", "runbooks"):
        english = {path.name for path in (PARTIALS / kind / "en").iterdir()}
        korean = {path.name: path.read_text() for path in (PARTIALS / kind / "ko").iterdir()}
        assert set(korean) == english
        for name, text in korean.items():
            prose = re.sub(r"`[^`]*`", "", prose_of(text))
            assert re.search(r"[가-힣]", prose), name
            assert not re.search(r"십시오|잡 id|잡 아이디|원장|점 경로|대역 서버", prose), name


def test_every_module_brings_its_variables_to_env_example(tmp_path: Path) -> None:
    """And none of them is there when no module is chosen."""
    full = (render(tmp_path, "payment", **EVERY_MODULE) / ".env.example").read_text()
    none: dict[str, object] = dict.fromkeys(EVERY_MODULE, False)
    core = (render(tmp_path, "mini", **none) / ".env.example").read_text()
    for name in CATALOG.modules:
        partial = (PARTIALS / "env" / "en" / f"{name}.env").read_text()
        assert partial in full
        assert partial not in core


def test_languages_list_the_same_variables() -> None:
    """With the same values, in the same order; the comments differ."""
    listed = {}
    for language in LANGUAGES:
        folder = PARTIALS / "env" / language
        listed[language] = {
            path.name: re.findall(r"^(?:# )?[A-Z][A-Z0-9_]+=.*$", path.read_text(), re.MULTILINE)
            for path in sorted(folder.iterdir())
        }
    assert listed["en"] == listed["ko"]
    assert set(listed["en"]) == {"worker.env", *(f"{name}.env" for name in CATALOG.modules)}
