"""The versions of the template that a repository can have: the one it has, and the newest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from packaging.version import Version

from gen_worker.errors import UpdateError
from gen_worker.repository.answers_file import Recorded
from gen_worker.template.catalog import Catalog, load_catalog
from gen_worker.template.definition import Template, load_template
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Answers, Questionnaire
from gen_worker.template.render import File, render
from gen_worker.versions.history import History, fetched_history, own_history
from gen_worker.versions.order import parse_version
from gen_worker.versions.origin import Source, find_source

_UPGRADE = "upgrade gen-worker"


@dataclass(frozen=True)
class Release:
    """One version of the template, as a folder.

    Attributes:
        label: What the answers file records: a tag, or what `git describe` says.
        commit: The commit's hash; None when no history is at hand.
        root: The folder that holds copier.yml.
        history: Where the commit is; None when no history is at hand.
    """

    label: str
    commit: str | None
    root: Path
    history: History | None = field(default=None, compare=False)


def _fixed(release: Release) -> Release:
    """Replace a label that will mean another commit tomorrow, such as a branch."""
    history, commit, label = release.history, release.commit, release.label
    if history is None or commit is None or commit.startswith(label) or history.has_tag(label):
        return release
    return replace(release, label=history.describe(commit))


@dataclass(frozen=True)
class Rendered:
    """A whole repository as one version of the template makes it."""

    release: Release
    answers: Answers
    files: list[File]

    @property
    def modules(self) -> list[str]:
        """The modules that were chosen."""
        return list(self.answers.values.get("modules", ()))


class Releases:
    """Finds versions and renders them; remembers what it has loaded, for many repositories.

    Attributes:
        fetch_seconds: The time that the server of a template may take.
    """

    fetch_seconds: float = 120

    def __init__(self, template_root: Path, *, offline: bool = False) -> None:
        """Use a generator's template and its history.

        Args:
            template_root: The folder that holds copier.yml.
            offline: Never fetch from where a repository came from.
        """
        self._root = template_root
        self._offline = offline
        self._source: Source = find_source(template_root)
        self._own = own_history(template_root)
        self._loaded: dict[Path, tuple[Template, Catalog, Renderer]] = {}
        self._fetched: dict[str, History | UpdateError] = {}
        self._fetching: dict[str, Lock] = {}
        self._catalog: Catalog | None = None
        self._lock = RLock()

    @property
    def label(self) -> str | None:
        """The generator's own version; None when it is unknown."""
        return self._source.commit

    def catalog(self) -> Catalog:
        """Return the presets and modules of the generator's own version."""
        with self._lock:
            if self._catalog is None:
                self._catalog = load_catalog(load_template(self._root))
            return self._catalog

    # --- Finding ---------------------------------------------------------------------------
    def newest(self) -> Release:
        """Return the version that this generator makes.

        Raises:
            UpdateError: The generator does not know its own version.
        """
        label = self._source.commit
        if label is None:
            raise UpdateError(self._source.remark or "This gen-worker does not know its version.")
        commit = self._own.find(label) if self._own else None
        if self._own and commit and (self._root / ".git").exists():
            # What is not committed yet is no version.
            return Release(label, commit, self._own.export(commit), self._own)
        return Release(label, commit, self._root, self._own)

    def named(self, label: str, recorded: Recorded) -> Release:
        """Return the version that a user asks for.

        Args:
            label: A tag or another revision of the template.
            recorded: What the repository remembers.

        Raises:
            UpdateError: There is no such version.
        """
        release = self._find(label, recorded.url)
        if release is None:
            known = ", ".join(self._own.releases()) if self._own else ""
            raise UpdateError(
                f"There is no version {label}. " + (f"Available: {known}." * bool(known))
            )
        return _fixed(release)

    def of(self, recorded: Recorded) -> Release:
        """Return the version that a repository has.

        Raises:
            UpdateError: It remembers none, or one that cannot be found.
        """
        if recorded.commit is None:
            raise UpdateError(
                "The repository does not record its template's version: it was made where none "
                "was known. Put the right one as _commit into .copier-answers.yml and commit."
            )
        if self.is_newer(recorded.commit):
            raise self._too_new(recorded.commit)
        release = self._find(recorded.commit, recorded.url)
        if release is None:
            where = f" nor in {recorded.url}" if recorded.url and not self._offline else ""
            raise UpdateError(
                f"The version {recorded.commit} is not known to this gen-worker{where}; {_UPGRADE}."
            )
        return release

    def is_newer(self, label: str) -> bool:
        """Return whether a version is newer than this generator."""
        theirs, ours = parse_version(label), parse_version(self._source.commit)
        return theirs is not None and ours is not None and theirs > ours

    def check_direction(self, base: Release, target: Release) -> None:
        """Refuse to go back.

        Raises:
            UpdateError: The target is older.
        """
        start, end = parse_version(base.label), parse_version(target.label)
        backwards = start is not None and end is not None and start > end
        history = base.history
        if history and base.commit and target.commit and base.commit != target.commit:
            both = history.find(base.commit) and history.find(target.commit)
            backwards = backwards or bool(both and history.is_before(target.commit, base.commit))
        if backwards:
            raise UpdateError(
                f"The repository has {base.label}, which is newer than {target.label}: {_UPGRADE}."
            )

    def behind(self, label: str) -> int | None:
        """Count the released versions after one, up to this generator's own.

        Returns:
            The number; None when the version has no order or no history is at hand.
        """
        here, newest = parse_version(label), parse_version(self._source.commit)
        if here is None or self._own is None:
            return None
        return sum(here < one and (not newest or one <= newest) for one in self._released)

    @cached_property
    def _released(self) -> list[Version]:
        tags = self._own.releases() if self._own else []
        return [version for tag in tags if (version := parse_version(tag))]

    def _too_new(self, label: str) -> UpdateError:
        return UpdateError(
            f"The repository has version {label} and this gen-worker is {self._source.commit}: "
            f"{_UPGRADE}."
        )

    def _find(self, label: str, url: str | None) -> Release | None:
        if label == self._source.commit and self._own is None:
            return self.newest()
        for history in self._histories(url):
            if commit := history.find(label):
                return Release(label, commit, history.export(commit), history)
        return None

    def _histories(self, url: str | None) -> Iterator[History]:
        """Yield where to look; the network comes last, and only when it is needed."""
        if self._own:
            yield self._own
        if url and not self._offline and not self._is_own(url):
            yield self._fetch(url)

    def _fetch(self, url: str) -> History:
        """Fetch an address once; who asks meanwhile or later gets the same answer."""
        with self._lock:
            lock = self._fetching.setdefault(url, Lock())
        with lock:
            if url not in self._fetched:
                try:
                    self._fetched[url] = fetched_history(url, self.fetch_seconds)
                except UpdateError as error:
                    self._fetched[url] = error
            found = self._fetched[url]
        if isinstance(found, UpdateError):
            raise found
        return found

    def _is_own(self, url: str) -> bool:
        return self._own is not None and Path(url) == self._own.folder

    # --- Rendering -------------------------------------------------------------------------
    def load(self, release: Release) -> tuple[Template, Catalog, Renderer]:
        """Read a version's copier.yml, once.

        Returns:
            The template, its catalogue and its renderer.

        Raises:
            TemplateError: It uses what this generator does not support.
        """
        with self._lock:
            if release.root not in self._loaded:
                template = load_template(release.root)
                loaded = template, load_catalog(template), Renderer(template)
                self._loaded[release.root] = loaded
            return self._loaded[release.root]

    def render(
        self,
        release: Release,
        recorded: Recorded,
        given: Mapping[str, Any] | None = None,
        source: Source | None = None,
    ) -> Rendered:
        """Render a repository with a version of the template.

        Args:
            release: The version.
            recorded: The answers so far; used where they still apply.
            given: Answers that must apply, and win.
            source: What to record as the origin; as before when not given.

        Raises:
            UserMistakeError: An answer is refused.
            TemplateError: The template is broken or not supported.
        """
        template, _, renderer = self.load(release)
        questionnaire = Questionnaire(template, renderer)
        answers = questionnaire.answer(given or {}, recorded=recorded.answers)
        source = source or Source(recorded.url, recorded.commit)
        return Rendered(release, answers, render(template, renderer, answers, source.metadata))

    def source_for(self, recorded: Recorded, target: Release) -> Source:
        """Decide what an updated repository records as its origin.

        A repository keeps its address as long as a released version is to be found there; that
        of a checkout on this machine is of no use to others.
        """
        kept = recorded.url
        lost = kept is None or (Path(kept).is_absolute() and not Path(kept).exists())
        unreleased = parse_version(target.label) is None or "-g" in target.label
        if (lost or unreleased) and self._source.url is not None:
            kept = self._source.url
        return Source(kept, target.label)
