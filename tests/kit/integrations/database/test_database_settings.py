"""`DATABASE_CONFIG`: what it may hold, and what is said about what it may not."""

from __future__ import annotations

import json
import logging
import sys
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from worker_payment.kit.cli import main
from worker_payment.kit.config import SettingsError, load_settings
from worker_payment.kit.config.secrets import known_secrets
from worker_payment.kit.integrations.database import insight, lifecycle
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
    SQLITE_FILE,
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
        assert f"at {SQLITE_FILE}" in lifecycle.check()
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
    config = InstanceConfig.model_validate({"url": given})
    url = address(config)
    assert (config.dbms, url.drivername) == (dbms, driver)
    assert ":p@" not in repr(config)


WRONG_URLS = [
    "postgresql://u:p@ss/Kim7@h/d",
    "postgresql://u:Kim7@h@h:5432/d",
    "postgresql://u:Kim7/x@h/d",
    "postgresql://u:Kim7?x@h/d",
    "postgresql://u:p@Kim7?s@h/d",
    "mysql://u:[Kim7@h/d",
    "postgresql://u:Kim7/d",
]


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_url_whose_password_is_not_percent_encoded_is_refused(monkeypatch, capsys, url):
    """In one sentence that names variable and cure, and no part of the password."""
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": {"url": url}}}))
    for command in ("check", "run", "failed list"):
        monkeypatch.setattr(sys, "argv", ["worker-payment", *command.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert "DATABASE_CONFIG" in said.err
        assert "percent-encoded (@ as %40" in said.err
        assert "Kim7" not in said.out + said.err
        assert "Traceback" not in said.err


def test_a_percent_encoded_password_reaches_the_driver(monkeypatch):
    config = InstanceConfig.model_validate(
        {"url": "postgresql://u:p%40ss%2Fw%3Ard@h/d?sslmode=require"}
    )
    assert address(config).password == "p@ss/w:rd"


def test_parameters_are_typed():
    """A driver tells `false` from "false"; what is no plain value is refused."""
    values = {"dbms": "postgresql", "database": "d"}
    given = {"prepare_threshold": None, "autocommit": False, "connect_timeout": 3, "tags": "x"}
    assert InstanceConfig.model_validate(values | {"parameters": given}).parameters == given
    with pytest.raises(ValidationError, match="parameters"):
        InstanceConfig.model_validate(values | {"parameters": {"a": {"b": 1}}})


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_parameters_reach_the_driver_with_their_types(server):
    """SQLite's driver refuses a text where it wants a number."""
    config = InstanceConfig.model_validate(server.config() | {"parameters": {"timeout": 0.5}})
    engine = make_engine(config, pool_size=1, statement_timeout=0)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 500
    engine.dispose()


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_password_may_have_korean_letters(server):
    """PyMySQL alone would send Latin-1."""
    server.execute("CREATE OR REPLACE USER kim@'127.0.0.1' IDENTIFIED BY '비밀-é'")
    server.execute("GRANT ALL ON worker.* TO kim@'127.0.0.1'")
    place = server.config() | {"user": "kim", "password": "비밀-é"}
    url = f"mariadb://kim:{quote('비밀-é')}@127.0.0.1:{server.port}/worker"
    for values in (place, {"url": url}):
        config = InstanceConfig.model_validate(values)
        engine = make_engine(config, pool_size=1, statement_timeout=0)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        engine.dispose()


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


@pytest.mark.parametrize(
    ("size", "said"), [(9, "less than WORKER_CONCURRENCY"), (10, "set it above"), (11, None)]
)
def test_check_warns_of_a_pool_that_is_too_small(monkeypatch, size, said):
    """With as many connections as jobs, a second transaction of each would wait for the others."""
    main = json.loads(ORIGINAL)["instances"]["MAIN"] | {"poolSize": size}
    monkeypatch.setenv("DATABASE_CONFIG", json.dumps({"instances": {"MAIN": main}}))
    monkeypatch.setenv("WORKER_CONCURRENCY", "10")
    found = list(insight.warnings())
    assert [said in each for each in found] == ([True] if said else [])


def test_check_warns_where_nothing_is_configured(monkeypatch, tmp_path):
    monkeypatch.delenv("DATABASE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (warning,) = insight.warnings()
    assert "DATABASE_CONFIG is not set" in warning
