"""What a build adds: the template as plain files, its history as a bundle, and its address."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).parent / "generator"))
from gen_worker.versions.origin import BUNDLE, TEMPLATE_PARTS, URL_LABEL, updatable_url


class TemplateHook(BuildHookInterface[Any]):
    """Adds the template and its history; an editable install finds both in the checkout."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add.

        Args:
            version: "standard" or "editable".
            build_data: What hatchling builds from; changed in place.
        """
        if version != "standard":
            return
        added: dict[str, str] = {}
        in_wheel = self.target_name == "wheel"
        if in_wheel:  # rendering needs no clone
            parts = (part for part in TEMPLATE_PARTS if Path(self.root, part).exists())
            added |= {part: f"gen_worker/_template/{part}" for part in parts}
        if bundle := self._bundle():
            added[str(bundle)] = f"gen_worker/_template/{BUNDLE}" if in_wheel else BUNDLE
        build_data["force_include"] |= added

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the bundle that was made for this build."""
        del version, build_data, artifact_path
        if folder := getattr(self, "_folder", None):
            folder.cleanup()

    def _bundle(self) -> Path | None:
        """Bundle the released tags and the commit being built, or take the archive's own bundle."""
        root = Path(self.root)
        if not (root / ".git").exists():
            return root / BUNDLE if (root / BUNDLE).is_file() else None
        if _git(root, "rev-parse", "--is-shallow-repository") != "false":
            self.app.display_warning("A shallow clone: updates will need the network.")
            return None
        self._folder = tempfile.TemporaryDirectory()
        bundle = Path(self._folder.name) / BUNDLE
        if _git(root, "bundle", "create", "--quiet", str(bundle), "HEAD", "--tags") is None:
            self.app.display_warning("git made no bundle: updates will need the network.")
            return None
        return bundle


class AddressHook(MetadataHookInterface):
    """Records where the template lives, so that repositories can be updated from there."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the address to the project's URLs.

        Args:
            metadata: The project's metadata; changed in place.
        """
        addresses = (*self._recorded(), *self._origin())
        metadata["urls"] = {URL_LABEL: addresses[0]} if addresses else {}

    def _recorded(self) -> Iterator[str]:
        """Read what the source archive says."""
        file = Path(self.root) / "PKG-INFO"
        if file.is_file():
            for line in file.read_text().splitlines():
                if line.startswith(f"Project-URL: {URL_LABEL}, "):
                    yield line.partition(", ")[2]

    def _origin(self) -> Iterator[str]:
        """Ask a checkout where it comes from; a path on this machine is nobody's address."""
        root = Path(self.root)
        address = _git(root, "remote", "get-url", "origin") if (root / ".git").exists() else None
        if address and address.startswith(("https://", "ssh://", "git@")):
            yield updatable_url(address)


def _git(root: Path, *arguments: str) -> str | None:
    """Run git; None when it is missing or refuses."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed program and arguments
            ["git", *arguments],  # noqa: S607 - the builder's own git
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
