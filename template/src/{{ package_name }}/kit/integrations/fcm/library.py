"""firebase-admin, set up so that it gives up in time: a job's own retry does the waiting."""

from __future__ import annotations

import itertools
from functools import partial
from threading import Lock
from typing import Any

from .account import ServiceAccount
from .settings import FcmSettings

BATCH = 500  # messages that the library takes at once; each gets a thread
_names = itertools.count(1)


class Library:
    """One Firebase app with its connections.

    Args:
        account: Who sends.
        settings: The time-out and the server.
    """

    def __init__(self, account: ServiceAccount, settings: FcmSettings) -> None:
        import firebase_admin  # noqa: PLC0415 - 54 MB and 0.5 s: only where pushes are sent
        from firebase_admin import credentials, messaging  # noqa: PLC0415

        self.messaging = messaging
        self.app = firebase_admin.initialize_app(
            credentials.Certificate(account.info),
            {"projectId": account.project_id, "httpTimeout": settings.fcm_timeout / 1000},
            name=f"worker-{next(_names)}",
        )
        self._delete = firebase_admin.delete_app
        # The library has no option for its retries and its server. It is pinned below the
        # next major version, and the tests speak through it to a real server.
        service = messaging._get_messaging_service(self.app)  # noqa: SLF001
        base = settings.fcm_base_url.rstrip("/")
        project = f"{base}/v1/projects/{account.project_id}"
        service._fcm_url = f"{project}/messages:send"  # noqa: SLF001
        service._fcm_topic_url = f"{project}/registrations"  # noqa: SLF001
        self._session = service._client.session  # noqa: SLF001
        self._session.mount(base, _adapter())
        self._session.max_redirects = 0  # the library would repeat a POST as a GET
        self._timeout = settings.fcm_timeout / 1000
        self._lock = Lock()

    def authorize(self) -> None:
        """Have an access token that is good for some minutes.

        A batch has up to 500 threads, and each would fetch one of its own.

        Raises:
            google.auth.exceptions.GoogleAuthError: There is none to be had.
        """
        ask = partial(self._session._auth_request, timeout=self._timeout)  # noqa: SLF001
        with self._lock:
            self._session.credentials.before_request(ask, "POST", "", {})

    def close(self) -> None:
        """Close the connections and forget the app."""
        self._session.close()
        self._delete(self.app)


def _adapter() -> Any:
    """Connections for a whole batch; a second try for connecting and for nothing else.

    By itself the library answers 500 and 503 with four tries and sleeps as long as Retry-After
    says, each time, in the worker's thread.
    """
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from urllib3.util.retry import Retry  # noqa: PLC0415

    retry = Retry(
        total=2,
        connect=1,
        read=0,
        status=0,
        redirect=0,
        other=0,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    return HTTPAdapter(pool_connections=4, pool_maxsize=BATCH, max_retries=retry)
