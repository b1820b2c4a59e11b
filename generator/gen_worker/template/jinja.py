"""The Jinja environment that Copier would use, without the rest of Copier.

Importing Copier takes longer than rendering a whole worker. Its rendering is a sandboxed Jinja
with Ansible's filters; a test holds every rendered file against Copier's own output.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
)
from jinja2.sandbox import SandboxedEnvironment

from gen_worker.errors import TemplateError
from gen_worker.template.compiled import kept_code, key_of
from gen_worker.template.definition import Template

# Filters that read the user's environment, files, clock or dice: a template is rendered from the
# answers alone, and gives the same files everywhere.
_REFUSED = frozenset(
    {"expanduser", "expandvars", "fileglob", "random", "realpath", "relpath", "shuffle", "strftime"}
)
_UNDEFINED = {"jinja2.Undefined": Undefined, "jinja2.StrictUndefined": StrictUndefined}


class _Loader(FileSystemLoader):
    """Loads files of the template, and none that a link in it leads to."""

    def __init__(self, root: Path) -> None:
        super().__init__([str(root)])
        self._root = Path(os.path.realpath(root))

    def get_source(self, environment: Environment, template: str) -> Any:
        found = super().get_source(environment, template)
        if not _real(found[1]).is_relative_to(self._root):
            raise TemplateError(f"The template leads out of its folder: {template}.")
        return found


def _real(file: str) -> Path:
    """Follow links; the folders that many files share are looked at once."""
    if os.path.islink(file):  # noqa: PTH114 - many files: plain texts take a fraction of the time
        return Path(os.path.realpath(file))
    return _real_folder(os.path.dirname(file))  # noqa: PTH120


@cache
def _real_folder(folder: str) -> Path:
    return Path(os.path.realpath(folder))


class _Environment(SandboxedEnvironment):
    """Keeps what it compiled, for the next environment and for later runs."""

    def compile(self, source: Any, name: str | None = None, *others: Any, **options: Any) -> Any:
        kept = kept_code()
        key = key_of(source, name, self.keep_trailing_newline)
        code = kept.get(key)
        if code is None:
            code = kept.code[key] = super().compile(source, name, *others, **options)
        return code


def _refused(name: str) -> Callable[..., str]:
    def refuse(*_: Any, **__: Any) -> str:
        raise TemplateError(f"The template uses a filter that gen-worker refuses: {name}.")

    return refuse


class Renderer:
    """Renders strings and files of one template."""

    def __init__(self, template: Template) -> None:
        """Prepare the environment.

        Args:
            template: Whose `_envops` and files are used.

        Raises:
            TemplateError: `_envops` has what is not supported.
        """
        chosen = template.settings.get("envops", {})
        if not isinstance(chosen, Mapping):
            raise TemplateError("_envops in copier.yml must hold names and values.")
        options = {"keep_trailing_newline": True, **chosen}
        undefined = options.pop("undefined", "jinja2.Undefined")
        if str(undefined) not in _UNDEFINED or set(options) != {"keep_trailing_newline"}:
            raise TemplateError("gen-worker supports undefined and keep_trailing_newline only.")
        self._environment = _Environment(
            loader=_Loader(template.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=_UNDEFINED[undefined],
            keep_trailing_newline=bool(options["keep_trailing_newline"]),
            auto_reload=False,
        )
        for name in _REFUSED:
            self._environment.filters[name] = _refused(name)
        for name in ("lookup", "now", "query"):
            self._environment.globals.pop(name, None)
        self._compiled: dict[str, Any] = {}  # path parts repeat: compile each once
        self._environment.globals["pathjoin"] = lambda *path: str(PurePosixPath(*path))
        self._globals = dict(self._environment.globals)

    def text(self, source: str, context: Mapping[str, Any]) -> str:
        """Render one string.

        Args:
            source: The string, with or without Jinja in it.
            context: The names it may use.

        Raises:
            TemplateError: The string is malformed or uses an unknown name.
        """
        if "{" not in source:  # most path parts and defaults: nothing to compile
            return source
        try:
            if source not in self._compiled:
                self._compiled[source] = self._environment.from_string(source)
            return self._render(self._compiled[source], context)
        except TemplateError:
            raise
        except Exception as error:  # the template's own code runs here: 1 / 0, endless recursion
            raise TemplateError(f"The template cannot render {source!r}: {error}") from error

    def value(self, source: Any, context: Mapping[str, Any]) -> Any:
        """Render a value of copier.yml: strings are rendered, lists entry by entry.

        Args:
            source: The value as YAML gave it.
            context: The names it may use.

        Returns:
            The rendered value; anything but strings and lists as it was.
        """
        if isinstance(source, str):
            return self.text(source, context)
        if isinstance(source, list):
            return [self.value(item, context) for item in source]
        return source

    def file(self, path: str, context: Mapping[str, Any]) -> bytes:
        """Render one file of the template.

        Args:
            path: Relative to the template's root.
            context: The names it may use.

        Raises:
            TemplateError: The file is malformed or uses an unknown name.
        """
        try:
            return self._render(self._environment.get_template(path), context).encode()
        except UndefinedError as error:
            raise TemplateError(f"The template file {path} uses a wrong name: {error}") from error
        except TemplateSyntaxError as error:
            where = f"{error.name or path}, line {error.lineno}"
            raise TemplateError(f"The template file {where}, is malformed: {error}") from error
        except TemplateError:
            raise
        except Exception as error:  # likewise
            raise TemplateError(f"The template file {path} cannot be rendered: {error}") from error

    def _render(self, template: jinja2.Template, context: Mapping[str, Any]) -> str:
        """Do as `Template.render`, which copies the globals name by name for every small text."""
        names = template.new_context({**self._globals, **context}, shared=True)
        return "".join(template.root_render_func(names))

    def keep_compiled(self) -> None:
        """Keep what was compiled for later runs."""
        kept_code().save()
