"""Settings: what an environment is read as, and how its mistakes are reported."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, SecretStr, ValidationError

from worker_payment.kit import EnvSettings
from worker_payment.kit.composition import composed
from worker_payment.kit.config import (
    Settings,
    SettingsError,
    load_settings,
)

ORIGINAL = """
APP_NAME=my-app
WORKER_NAME=my worker
WORKER_CONCURRENCY=7
LOGGER_CONFIG={"level":"warn","pretty":true,"service":"my-service","file":"x.log"}
UNKNOWN_VARIABLE=is ignored
"""


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch, tmp_path):
    """No variable of this machine, and a folder without `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_any_variable_there_are_defaults():
    settings = Settings()
    assert settings.worker_name == "worker-payment"
    assert settings.worker_queue == "payment"
    assert settings.redis_url.get_secret_value() == "redis://127.0.0.1:6379/0"
    assert settings.service == "worker-payment"


def test_a_dotenv_file_of_the_original_is_read_unchanged(tmp_path):
    (tmp_path / ".env").write_text(ORIGINAL)
    settings = Settings()
    assert (settings.app_name, settings.worker_concurrency) == ("my-app", 7)
    assert settings.logger_config.level == "warning"
    assert (settings.logger_config.pretty, settings.service) == (True, "my-service")
    assert settings.process_name == "my-worker"


def test_a_worker_may_serve_several_queues(monkeypatch):
    assert Settings().queues == ("payment",)
    monkeypatch.setenv("WORKER_QUEUE", "other")
    assert Settings().queues == ("other",)
    monkeypatch.setenv("WORKER_QUEUES", "payment-urgent, payment")
    assert Settings().queues == ("payment-urgent", "payment")
    assert Settings().worker_queue == "other"  # where it publishes
    for wrong, what in (("a,,b", "WORKER_QUEUES.1"), ("a,a", "twice"), ("a b", "WORKER_QUEUES.0")):
        monkeypatch.setenv("WORKER_QUEUES", wrong)
        with pytest.raises(SettingsError, match=what):
            load_settings()


def test_the_composition_names_queues_and_a_deployment_others(monkeypatch):
    monkeypatch.setattr(composed(), "queues", ("payment-urgent", "payment"))
    assert Settings().queues == ("payment-urgent", "payment")
    monkeypatch.setenv("WORKER_QUEUE", "payment")
    assert Settings().queues == ("payment",)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("WORKER_CONCURRENCY=7")
    monkeypatch.setenv("WORKER_CONCURRENCY", "8")
    assert Settings().worker_concurrency == 8


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("WORKER_CONCURRENCY", "")
    monkeypatch.setenv("LOGGER_CONFIG", "")
    assert Settings().worker_concurrency >= 1


@pytest.mark.parametrize(
    ("level", "read"),
    [("trace", "debug"), ("INFO", "info"), ("log", "info"), ("fatal", "critical")],
)
def test_levels_of_other_loggers_are_understood(monkeypatch, level, read):
    monkeypatch.setenv("LOGGER_CONFIG", json.dumps({"level": level}))
    assert Settings().logger_config.level == read


def test_one_message_names_every_bad_variable_and_no_value(monkeypatch):
    monkeypatch.setenv("WORKER_CONCURRENCY", "many-s3cret")
    monkeypatch.setenv("LOGGER_CONFIG", '{"level":"loud-s3cret"}')
    monkeypatch.setenv("REDIS_URL", "http://:s3cret@host")
    monkeypatch.setenv("WORKER_QUEUE", "s3cret queue")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    for name in ("WORKER_CONCURRENCY", "LOGGER_CONFIG.level", "REDIS_URL", "WORKER_QUEUE"):
        assert f"  {name}: " in message
    assert "s3cret" not in message


@pytest.mark.parametrize("url", ["redis://:s3cret@host:port", "127.0.0.1:6379", "redis://[::1"])
def test_a_redis_url_that_is_none_is_refused_without_repeating_it(monkeypatch, url):
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError, match="REDIS_URL") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


def test_malformed_json_is_reported_by_the_name_of_its_variable(monkeypatch):
    monkeypatch.setenv("LOGGER_CONFIG", "{'level': 's3cret'}")
    with pytest.raises(SettingsError, match="LOGGER_CONFIG: not valid JSON") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


def test_a_printed_setting_does_not_show_the_password(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:s3cret@127.0.0.1:6379/0")
    assert "s3cret" not in repr(Settings())


class Place(BaseModel):
    host: str
    port: int = 80


class Several(EnvSettings):
    """Fields of an owner's that hold more than one value, or have a form of their own."""

    hosts: list[str] = Field(default_factory=list)
    limits: dict[str, int] | None = None
    place: Place | None = None
    words: Annotated[tuple[str, ...], BeforeValidator(lambda text: text.split(";"))] = Field(
        default_factory=lambda: "a;b"
    )
    text: str | None = None
    key: SecretStr = Field(validation_alias=AliasChoices("OLD_KEY", "NEW_KEY"))


@pytest.fixture
def several(monkeypatch):
    """Read variables as an owner's settings."""

    def read(**variables: str) -> Several:
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        return Several()

    return read


def test_a_list_a_mapping_and_a_model_are_written_as_json(several):
    found = several(
        HOSTS='["a", "b"]', LIMITS='{"a": 1}', PLACE='{"host": "x"}', OLD_KEY="1", TEXT="[1]"
    )
    assert (found.hosts, found.limits, found.place) == (["a", "b"], {"a": 1}, Place(host="x"))
    assert found.text == "[1]"


def test_a_field_may_have_a_form_of_its_own(several):
    assert several(OLD_KEY="1").words == ("a", "b")
    assert several(WORDS="1;b").words == ("1", "b")


@pytest.mark.parametrize("text", ["s3cret", "7", '{"s3cret": ', '"s3cret"'])
def test_what_is_no_json_list_is_refused_by_its_variable(several, text):
    with pytest.raises(ValidationError, match="hosts") as caught:
        several(HOSTS=text, OLD_KEY="1")
    assert "s3cret" not in str(caught.value)


def test_the_first_of_several_names_counts_and_errors_use_it(several):
    with pytest.raises(ValidationError, match="OLD_KEY"):
        several()
    assert several(NEW_KEY="new").key.get_secret_value() == "new"
    assert several(OLD_KEY="old").key.get_secret_value() == "old"
