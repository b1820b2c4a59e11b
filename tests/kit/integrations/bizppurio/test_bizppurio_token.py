"""Bizppurio: one token for all threads and replicas, renewed in time."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from bizppurio_vendor import reply

from worker_payment.kit.integrations.bizppurio import (
    BizppurioRefusedError,
    BizppurioUnavailableError,
    ResultCode,
    Sms,
)
from worker_payment.kit.integrations.bizppurio.token import (
    KST,
    read_end,
)


def run_all(*actions):
    """Run actions at the same moment, each in a thread."""
    barrier = threading.Barrier(len(actions))

    def start(action):
        barrier.wait()
        action()

    threads = [threading.Thread(target=start, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_and_replicas_share_one_token(make_client, vendor):
    clients = [make_client() for _ in range(3)]
    run_all(*[client.transport.tokens.get for client in clients for _ in range(4)])
    assert vendor.issued == 1


def test_a_replica_that_starts_later_takes_the_token_from_redis(make_client, vendor):
    first = make_client().transport.tokens.get()
    assert make_client().transport.tokens.get() == first
    assert vendor.issued == 1


def test_another_account_gets_a_token_of_its_own(make_client, vendor):
    make_client().transport.tokens.get()
    with pytest.raises(BizppurioRefusedError) as caught:
        make_client(bizppurio_msg_id="stranger").transport.tokens.get()
    assert caught.value.code is ResultCode.PASSWORD_INVALID


@pytest.mark.parametrize("code", [3002, 3005])
def test_a_token_that_is_not_accepted_is_renewed_once(client, vendor, code):
    client.transport.tokens.get()
    vendor.replies = [reply(400, code)]
    client.send(Sms("a"), to="01012345678", refkey="job-1")
    assert (vendor.issued, len(vendor.messages)) == (2, 1)


def test_a_renewed_token_that_is_not_accepted_either_ends_the_attempt(client, vendor):
    vendor.replies = [reply(400, 3002)] * 2
    with pytest.raises(BizppurioUnavailableError) as caught:
        client.send(Sms("a"), to="01012345678", refkey="job-1")
    assert caught.value.code is ResultCode.TOKEN_INVALID
    assert vendor.issued == 2


def test_replicas_that_meet_an_ended_token_renew_it_once(make_client, vendor):
    clients = [make_client() for _ in range(4)]
    for client in clients:
        client.transport.tokens.get()
    vendor.tokens.clear()
    run_all(
        *[
            lambda n=n: clients[n].send(Sms("a"), to="01012345678", refkey=f"job-{n}")
            for n in range(4)
        ]
    )
    assert (vendor.issued, len(vendor.messages)) == (2, 4)


def test_a_token_is_renewed_before_it_ends(make_client, vendor):
    vendor.lifetime = timedelta(minutes=9)
    client = make_client()
    first = client.transport.tokens.get()
    vendor.lifetime = timedelta(hours=24)
    second = client.transport.tokens.get()
    assert first != second
    assert client.transport.tokens.get() == second
    assert vendor.issued == 2


def test_a_lock_whose_holder_died_does_not_stop_the_others(make_client, vendor):
    tokens = make_client().transport.tokens
    tokens._patience = 0.05
    tokens._state.lock(tokens._note, 60).acquire()
    assert tokens.get().value == vendor.tokens[0]


def test_the_end_of_a_token_is_korean_time_and_not_believed_blindly():
    now = datetime(2020, 11, 10, 12, tzinfo=KST).timestamp()
    assert read_end("20201110185520", now) == now + 6 * 3600 + 55 * 60 + 20
    assert read_end("20991231000000", now) == now + 24 * 3600
    for strange in ("20200101000000", "soon", None, ""):
        assert read_end(strange, now) == now + 3600


def test_an_answer_without_a_token_is_temporary(make_client, httpserver):
    client = make_client(bizppurio_msg_token_uri="/odd")
    httpserver.expect_request("/odd").respond_with_json({"code": 1000})
    with pytest.raises(BizppurioUnavailableError, match="without a token"):
        client.transport.tokens.get()
