"""Put the template into the wheel as plain files: rendering needs no clone."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TEMPLATE = ("copier.yml", "template", "partials")


class TemplateHook(BuildHookInterface[Any]):
    """Adds the template to a real wheel; an editable install finds it in the checkout."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add.

        Args:
            version: "standard" or "editable".
            build_data: What hatchling builds from; changed in place.
        """
        if version == "standard":
            build_data["force_include"] |= {
                part: f"gen_worker/_template/{part}" for part in TEMPLATE
            }
