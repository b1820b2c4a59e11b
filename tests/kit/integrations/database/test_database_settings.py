"""`DATABASE_CONFIG`: what it may hold, and what is said about what it may not."""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from worker_payment.kit.config import SettingsError, load_settings
from worker_payment.kit.config.secrets import known_secrets
from worker_payment.kit.integrations.database import lifecycle
from worker_payment.kit.integrations.database.engines import (
    _CONNECT_ARGS,
    address,
    make_engine,
)
from worker_payment.kit.integrations.database.errors import (
    DatabaseError,
)
from worker_payment.kit.integrations.database.instances import (
    Instances,
    close_instances,
)
from worker_payment.kit.integrations.database.settings import (
    DatabaseSettings,
    InstanceConfig,
)

ORIGINAL = (
    '{"instances":{"MAIN":{"dbms":"postgresql","host":"127.0.0.1","port":5432,'
    '"user":"worker","password":"p@ss/w:rd","database":"worker_db","poolSize":10}}}'
)


def test_the_variable_of_the_original_works_unchanged(monkeypatch):
    monkeypatch.setenv("DATABASE_CONFIG", ORIGINAL)
    settings = DatabaseSettings()
    config = settings.database_config.instances["MAIN"]
    url = address(config)
    assert (url.drivername, url.password, url.database) == (
        "postgresql+psycopg",
        "p@ss/w:rd",
        "worker_db",
    )
    engine = make_engine(config, pool_size=3, statement_timeout=0)
    assert engine.pool.size() == 10
    assert not settings.is_demo


def test_no_password_is_shown(monkeypatch):
    """Neither in the settings' own text nor in logs."""
    monkeypatch.setenv("DATABASE_CONFIG", ORIGINAL)
    assert "p@ss" not in repr(DatabaseSettings())
    assert "p@ss/w:rd" in known_secrets(load_settings())


def test_without_configuration_a_file_serves(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    close_instances()
    try:
        assert "DATABASE_CONFIG is not set" in lifecycle.check()
    finally:
        close_instances()
    assert DatabaseSettings().is_demo


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{", "DATABASE_CONFIG: .*not valid JSON"),
        ('{"instances":{}}', "an instance named MAIN is missing"),
        ('{"instances":{"MAIN":{"dbms":"oracle","database":"x"}}}', r"DATABASE_CONFIG\..*dbms"),
        ('{"instances":{"MAIN":{"dbms":"mysql"}}}', "database or url is missing"),
        ('{"instances":{"MAIN":{"dbms":"mysql","database":"x","port":0}}}', "port"),
        ('{"instances":{"MAIN":{"dbms":"mysql","url":"secret-word"}}}', "url must look like"),
    ],
)
def test_what_is_wrong_is_said_by_name_without_values(monkeypatch, wrong, said):
    monkeypatch.setenv("DATABASE_CONFIG", wrong)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings()
    assert "secret-word" not in str(caught.value)


def test_a_driver_that_is_not_there_is_named(monkeypatch):
    package = "worker_payment"
    drivers = f"{package}.kit.integrations.database.settings._DRIVERS"
    monkeypatch.setattr(drivers, {"mysql": "no_such_driver"})
    with pytest.raises(ValidationError, match="needs the package no_such_driver"):
        InstanceConfig(dbms="mysql", database="x")


@pytest.mark.parametrize(
    ("given", "driver", "dbms"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg", "postgresql"),
        ("mysql+aiomysql://u:p@h:3307/d?charset=utf8mb4", "mysql+pymysql", "mysql"),
        ("mariadb://h/d", "mariadb+pymysql", "mariadb"),
        ("sqlite:///file.db", "sqlite+pysqlite", "sqlite"),
    ],
)
def test_a_url_instead(given, driver, dbms):
    """Its scheme names the database, whatever the driver."""
    config = InstanceConfig.model_validate({"url": given, "parameters": {"a": "b"}})
    url = address(config)
    assert (config.dbms, url.drivername, url.query["a"]) == (dbms, driver, "b")
    assert ":p@" not in repr(config)


def test_tls_reaches_the_driver():
    tls = {"ca": "/ca.pem", "cert": "/c.pem", "key": "/k.pem"}
    values = {"dbms": "postgresql", "database": "d", "tls": tls}
    strict = _CONNECT_ARGS["postgresql"](InstanceConfig.model_validate(values), 0)
    assert (strict["sslmode"], strict["sslrootcert"]) == ("verify-full", "/ca.pem")
    loose = InstanceConfig.model_validate(values | {"tls": tls | {"mode": "require"}})
    assert _CONNECT_ARGS["mariadb"](loose, 0)["ssl"]["verify_mode"] == "none"


def test_an_unknown_instance_is_named(monkeypatch):
    monkeypatch.setenv("DATABASE_CONFIG", ORIGINAL)
    shared = Instances(DatabaseSettings(), load_settings())
    with pytest.raises(DatabaseError, match="no instance 'STATS'; it has MAIN"):
        shared.engine("STATS")


def test_a_pool_smaller_than_the_concurrency_is_reported(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_CONFIG", ORIGINAL)
    monkeypatch.setenv("WORKER_CONCURRENCY", "50")
    logging.getLogger().handlers.clear()
    shared = Instances(DatabaseSettings(), load_settings())
    assert shared.main.pool.size() == 10
    assert "jobs will wait for a connection" in capsys.readouterr().out
