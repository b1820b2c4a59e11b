"""Where the template comes from, so that the new repository can be updated later.

The answers file records `_src_path` and `_commit`. Copier would write the folder it rendered from;
that is a folder inside an installed package, from which no update can come.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from gen_worker.errors import RepositoryError
from gen_worker.repository.git import git, has_git
from gen_worker.repository.settings import Trust

if TYPE_CHECKING:
    from importlib.metadata import Distribution

PACKAGE = "gen-worker"
TEMPLATE_PARTS = ("copier.yml", "template", "partials", "CHANGELOG.md")
BUNDLE = "releases.bundle"  # the released tags, beside copier.yml in an installed package
# Where a repository's address may end with .git: then it needs no git+, which Renovate cannot read.
_HOSTS = frozenset({"bitbucket.org", "codeberg.org", "github.com", "gitlab.com"})
URL_LABEL = "Template"  # the Project-URL in the package's metadata that names the repository
_RELEASE = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?")
_DEVELOPMENT = re.compile(r".*\+g([0-9a-f]{7,40})")  # hatch-vcs: 0.2.1.dev3+gabc1234


class Source(NamedTuple):
    """The template's repository and the state of it that was rendered.

    Attributes:
        url: What `copier update` fetches; None when unknown.
        commit: A tag or revision there; None when unknown, and then updates are off.
        remark: What the user should know, None when all is well.
    """

    url: str | None = None
    commit: str | None = None
    remark: str | None = None

    @property
    def updates(self) -> bool:
        """Whether the new repository can be updated."""
        return self.url is not None and self.commit is not None

    @property
    def metadata(self) -> dict[str, str]:
        """The entries of the answers file."""
        entries = {"_commit": self.commit, "_src_path": self.url}
        return {key: value for key, value in entries.items() if value is not None}


def find_source(template_root: Path, installed: Distribution | None = None) -> Source:
    """Find out where a template comes from.

    Args:
        template_root: The folder that holds copier.yml.
        installed: The installed package; looked up when not given.

    Returns:
        The source; without `updates` when no revision of it is known for certain.
    """
    if (template_root / ".git").exists():
        return _from_checkout(template_root)
    installed = installed or installed_package()
    if installed is None:
        return _off("this gen-worker is a plain folder without git history")
    source = _from_package(installed)
    bundle = template_root / BUNDLE
    if not source.updates and bundle.is_file() and has_git():
        return _from_bundle(bundle, installed.version, source)
    return source


def installed_package() -> Distribution | None:
    """Look up this package's metadata, None when it only lies on the path."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - slow

    try:
        return distribution(PACKAGE)
    except PackageNotFoundError:
        return None


def version() -> str:
    """Return the installed version, or say that nothing is installed."""
    installed = installed_package()
    return installed.version if installed else "(not installed)"


def _off(reason: str, url: str | None = None) -> Source:
    return Source(
        url=url,
        remark=f"Updates are off: {reason}. Install gen-worker from its git repository "
        "(pip install git+URL) to have `copier update` in what it makes.",
    )


# --- A checkout ------------------------------------------------------------------------------
def _from_checkout(root: Path) -> Source:
    """Use the checkout's origin if that has the revision, else the checkout itself."""
    if not has_git():
        return _off("git is missing, so the checkout's revision is unknown")
    try:
        commit = git(root, "describe", "--tags", "--always")
        # Its own filters may run: gen-worker itself is code of this checkout.
        words = ("status", "--porcelain", "--", *TEMPLATE_PARTS)
        changed = git(root, *words, trust=Trust.FILTERS)
        url = _published_url(root)
    except RepositoryError as error:
        return _off(f"the checkout has no usable revision ({error})")
    remark = None
    if changed:
        remark = (
            "The template has uncommitted changes; updates will start from its last commit, "
            f"{commit}."
        )
    return Source(url or str(root), commit, remark)


def _published_url(root: Path) -> str | None:
    """Return the origin's URL when the current revision is known to be there."""
    if "origin" not in git(root, "remote").splitlines():
        return None
    if not git(root, "for-each-ref", "--contains", "HEAD", "--count=1", "refs/remotes/origin"):
        return None
    return updatable_url(git(root, "remote", "get-url", "origin"))


# --- An installed package --------------------------------------------------------------------
def _from_package(installed: Distribution) -> Source:
    """Use what the installer recorded (PEP 610), else the URL in the package's metadata."""
    text = installed.read_text("direct_url.json")
    direct: dict[str, Any] = json.loads(text) if text else {}
    if direct.get("vcs_info", {}).get("vcs") == "git":
        tag, asked = f"v{installed.version}", direct["vcs_info"].get("requested_revision")
        commit = tag if asked == tag else direct["vcs_info"]["commit_id"]
        return Source(updatable_url(direct["url"]), commit)
    if "dir_info" in direct:
        return _from_folder(Path(unquote(urlsplit(direct["url"]).path)), installed.version)
    url = _metadata_url(installed)
    if url is None:
        return _off("this gen-worker was not installed from git and names no repository")
    if not _RELEASE.fullmatch(installed.version):
        return _off(f"{installed.version} is not a released version", url)
    return Source(url, f"v{installed.version}")


def _from_bundle(bundle: Path, version: str, otherwise: Source) -> Source:
    """Use the history inside the package, which plain Copier can read, too."""
    heads = {}
    for line in git(bundle.parent, "bundle", "list-heads", str(bundle)).splitlines():
        commit, _, reference = line.partition(" ")
        heads[reference] = commit
    development = _DEVELOPMENT.fullmatch(version)
    label = f"v{version}"
    if development and heads.get("HEAD", "").startswith(development.group(1)):
        label = heads["HEAD"]
    elif f"refs/tags/{label}" not in heads:
        return otherwise
    remark = (
        "This gen-worker names no public address of its template: gen-worker update works "
        "everywhere, plain copier update only where this gen-worker is installed."
    )
    return Source(str(bundle), label, remark)


def _from_folder(folder: Path, version: str) -> Source:
    """Use the folder a package was built from, if it still has that very revision."""
    if not (folder / ".git").exists() or not has_git():
        return _off("this gen-worker was installed from a folder without git history")
    development = _DEVELOPMENT.fullmatch(version)
    revision = development.group(1) if development else f"v{version}"
    try:
        commit = git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except RepositoryError:
        return _off(f"{folder} has no revision for version {version}", str(folder))
    return Source(str(folder), commit if development else revision)


def _metadata_url(installed: Distribution) -> str | None:
    for entry in installed.metadata.get_all("Project-URL") or ():
        label, _, url = entry.partition(",")
        if label.strip().lower() == URL_LABEL.lower():
            return updatable_url(url.strip())
    return None


def updatable_url(url: str) -> str:
    """Make a git URL one that Copier recognises and that is safe to commit.

    Args:
        url: As git or the installer knows it.

    Returns:
        The URL without user and password (http, https) and, where Copier would not see that it
        is git, with `git+` before it.
    """
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"}:
        host = parts.netloc.rpartition("@")[2]
        ending = ".git" if host in _HOSTS and not parts.path.endswith(".git") else ""
        url = urlunsplit((parts.scheme, host, parts.path.rstrip("/") + ending, parts.query, ""))
    elif parts.scheme == "file":
        return unquote(parts.path)
    if parts.scheme in {"http", "https", "ssh"} and not url.endswith(".git"):
        return f"git+{url}"
    return url
