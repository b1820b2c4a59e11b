"""Mail templates: a folder each, with `subject.txt`, `body.txt` and `body.html`."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateNotFound
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..text import composed
from .address import check_line
from .errors import MailInputError, MailTemplateError

SUBJECT, TEXT, HTML = "subject.txt", "body.txt", "body.html"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)*")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template with its values put in."""

    subject: str
    text: str | None
    html: str | None


class MailTemplates:
    """The templates below a folder. Safe to use from several threads.

    Templates run in a sandbox, values are escaped in HTML, and a variable that was not given
    is an error instead of an empty place.

    Args:
        folder: `MAIL_TEMPLATE_DIR`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # a deployment brings new templates and a new process
        )

    def names(self) -> list[str]:
        """Return the names of all templates."""
        found = self._environment.list_templates(filter_func=lambda path: path.endswith(SUBJECT))
        return [path.rpartition("/")[0] for path in found]

    def compile_all(self) -> int:
        """Compile every template file and return the number of templates.

        Raises:
            MailTemplateError: A template has a mistake.
        """
        paths = self._environment.list_templates(extensions=["txt", "html"])
        for path in paths:
            try:
                self._environment.get_template(path)
            except JinjaError as error:
                raise _explained(path, error) from error
        return len(self.names())

    def render(self, name: str, data: Mapping[str, object]) -> Rendered:
        """Put values into a template.

        Args:
            name: The template's folder, for instance `welcome`.
            data: A value for every variable of the template.

        Raises:
            MailTemplateError: There is no such template, it has a mistake, or a variable is
                missing. The message names the file and the line, never a value.
        """
        if not _NAME.fullmatch(name):
            raise MailTemplateError(f"not a template name: {name[:80]!r}")
        subject = self._render(f"{name}/{SUBJECT}", data)
        text = self._render(f"{name}/{TEXT}", data)
        html = self._render(f"{name}/{HTML}", data)
        if subject is None or (text is None and html is None):
            known = ", ".join(self.names()) or "none"
            raise MailTemplateError(
                f"no mail template {name!r}: it needs {SUBJECT}, and {TEXT} or {HTML};"
                f" there are: {known}"
            )
        try:
            return Rendered(check_line(subject.strip(), "the subject"), text, html)
        except MailInputError as error:
            raise MailTemplateError(f"{name}/{SUBJECT}: {error}") from None

    def _render(self, path: str, data: Mapping[str, object]) -> str | None:
        try:
            return composed(self._environment.get_template(path).render(dict(data)))
        except TemplateNotFound as error:
            if error.name == path:
                return None
            raise _explained(path, error) from error  # an include or a parent is missing
        except JinjaError as error:
            raise _explained(path, error) from error
        except Exception as error:  # an operation on a value; its text may hold the value
            raise MailTemplateError(f"{path}{_line(path, error)}: {type(error).__name__}") from None


def _explained(path: str, error: JinjaError) -> MailTemplateError:
    return MailTemplateError(f"{path}{_line(path, error)}: {type(error).__name__}: {error.message}")


def _line(path: str, error: Exception) -> str:
    line = getattr(error, "lineno", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.endswith(path):
            line = frame.lineno
    return f", line {line}" if line else ""
