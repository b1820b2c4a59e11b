"""Connections that jobs in several threads take turns to use."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from worker_payment.kit.integrations.pool import ConnectionPool


class Line:
    """A connection that knows what became of it."""

    open = True
    working = True


class RefusedError(Exception):
    """The other side said no, and the connection is as good as before."""


@pytest.fixture
def clock():
    """Seconds that pass when the test says so."""
    return [0.0]


@pytest.fixture
def made():
    """Every connection that was opened."""
    return []


@pytest.fixture
def pool(clock, made):
    def connect():
        made.append(Line())
        return made[-1]

    return ConnectionPool(
        connect,
        lambda line: line.working,
        lambda line: setattr(line, "open", False),
        keep_after=(RefusedError,),
        idle_timeout=60,
        clock=lambda: clock[0],
    )


def use(pool, error=None):
    with pool.connection() as line:
        if error is not None:
            raise error
        return line


def test_a_connection_is_used_again(pool, made):
    assert use(pool) is use(pool)
    assert len(made) == 1


def test_two_at_once_have_one_each(pool, made):
    with pool.connection() as one, pool.connection() as other:
        assert one is not other
    assert len(made) == 2


def test_a_connection_that_stopped_working_is_replaced(pool, made):
    use(pool).working = False
    assert use(pool).working
    assert [line.open for line in made] == [False, True]


def test_a_connection_that_was_idle_for_long_is_replaced(pool, made, clock):
    use(pool)
    clock[0] = 59.0
    use(pool)
    clock[0] = 59.0 + 60.0
    use(pool)
    assert [line.open for line in made] == [False, True]


@pytest.mark.parametrize("error", [OSError(), KeyboardInterrupt()])
def test_after_an_error_a_connection_is_not_used_again(pool, made, error):
    with pytest.raises(type(error)):
        use(pool, error)
    assert not made[0].open
    assert use(pool) is made[1]


def test_after_a_refusal_a_connection_is_used_again(pool, made):
    with pytest.raises(RefusedError):
        use(pool, RefusedError())
    assert use(pool) is made[0]


def test_after_a_burst_few_connections_are_kept(pool, made):
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(pool.connection())
    assert len([line for line in made if line.open]) == 10


def test_after_the_end_nothing_is_kept(pool, made):
    use(pool)
    with pool.connection() as late:
        pool.close()
        assert late.open
    assert not any(line.open for line in made)
