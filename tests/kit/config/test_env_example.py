"""`.env.example` holds exactly the variables that this worker knows."""

from __future__ import annotations

import re
import shutil

from support import ROOT
from worker_payment.kit.config import Settings, load_settings
from worker_payment.kit.config.fields import _variable
from worker_payment.kit.integrations import chosen_modules

EXAMPLE = ROOT / ".env.example"


def test_it_names_every_variable_and_no_other():
    """A variable may be commented out to show its default."""
    named = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE)
    models = [Settings, *(module.settings for module in chosen_modules())]
    known = {_variable(model, field) for model in models for field in model.model_fields}
    assert set(named) == known


def test_it_is_a_dotenv_file_that_can_be_loaded(tmp_path, monkeypatch):
    shutil.copy(EXAMPLE, tmp_path / ".env")
    monkeypatch.chdir(tmp_path)
    assert load_settings().worker_queue == "payment"
