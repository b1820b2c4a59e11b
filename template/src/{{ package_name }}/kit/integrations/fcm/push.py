"""A push message and its options for Android, iOS and the web.

Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..text import composed
from .errors import InvalidPushError

if TYPE_CHECKING:
    from firebase_admin import messaging

_LARGEST = 4096  # bytes of notification and data
_RESERVED = ("from", "message_type", "gcm", "google", "gcm.", "google.")


@dataclass(frozen=True, slots=True)
class AndroidOptions:
    """For Android.

    Args:
        priority: high wakes a sleeping device.
        ttl: Seconds that FCM keeps the message for a device that is off; 0 means now or never.
        channel_id: The notification channel of the app.
        icon: Name of a drawable.
        color: #rrggbb
        sound: Name of a sound, or default.
        click_action: Activity that a tap opens.
    """

    priority: Literal["high", "normal"] | None = None
    ttl: float | None = None
    channel_id: str | None = None
    icon: str | None = None
    color: str | None = None
    sound: str | None = None
    click_action: str | None = None


@dataclass(frozen=True, slots=True)
class IosOptions:
    """For iOS.

    Args:
        badge: Number on the app's icon; 0 removes it.
        sound: Name of a sound, or default.
        category: Kind of the notification, for its actions.
        thread_id: Groups notifications.
        content_available: Wakes the app in the background.
        mutable_content: Lets the app change the notification first.
        priority: 10 at once, 5 when it suits the battery.
        ttl: Seconds that APNs keeps the message for a device that is off.
    """

    badge: int | None = None
    sound: str | None = None
    category: str | None = None
    thread_id: str | None = None
    content_available: bool | None = None
    mutable_content: bool | None = None
    priority: Literal[5, 10] | None = None
    ttl: float | None = None


@dataclass(frozen=True, slots=True)
class WebOptions:
    """For browsers.

    Args:
        link: https address that a click opens.
        icon: Address of a picture.
        urgency: Of the Web Push protocol.
        ttl: Seconds that the push service keeps the message.
    """

    link: str | None = None
    icon: str | None = None
    urgency: Literal["very-low", "low", "normal", "high"] | None = None
    ttl: float | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A message. Without title and body it is silent and reaches the app alone.

    Args:
        title: Of the notification.
        body: Its text.
        data: For the app; keys and values are texts.
        image: Address of a picture.
        tag: A later message with the same tag replaces this one on the device. With a tag
            from the job's id, a message that is retried after a lost answer shows once.
        android: Options for Android.
        ios: Options for iOS.
        web: Options for browsers.
        analytics_label: For Firebase's statistics.
    """

    title: str | None = field(default=None, repr=False)
    body: str | None = field(default=None, repr=False)
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    image: str | None = None
    tag: str | None = None
    android: AndroidOptions = AndroidOptions()
    ios: IosOptions = IosOptions()
    web: WebOptions = WebOptions()
    analytics_label: str | None = None

    def __post_init__(self) -> None:
        for name in ("title", "body"):  # what people read; `data` reaches the app as it is
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, composed(value))
        if not (self.title or self.body or self.data):
            raise InvalidPushError("the message is empty: it needs a title, a body or data")
        for key, value in self.data.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise InvalidPushError(f"data[{key!r}] must be a text")
            if key in _RESERVED or key.startswith(("gcm.", "google.")):
                raise InvalidPushError(f"data may not have the key {key!r}")
        if len((self.tag or "").encode()) > 64:
            raise InvalidPushError("tag has more than 64 bytes")
        texts = [self.title or "", self.body or "", *self.data, *self.data.values()]
        size = sum(len(each.encode()) for each in texts)
        if size > _LARGEST:
            raise InvalidPushError(f"the message has {size} bytes; at most {_LARGEST} are allowed")


def build(push: Push, **target: str | None) -> messaging.Message:
    """Return the library's message.

    Args:
        push: The message.
        target: One of token, fid, topic and condition.

    Raises:
        InvalidPushError: The library does not accept a value.
    """
    from firebase_admin import messaging  # noqa: PLC0415 - 0.5 s, only where pushes are sent

    visible = push.title is not None or push.body is not None
    message = messaging.Message(
        data=dict(push.data) or None,
        notification=messaging.Notification(push.title, push.body, push.image) if visible else None,
        android=_android(push, visible),
        apns=_ios(push),
        webpush=_web(push, visible),
        fcm_options=messaging.FCMOptions(push.analytics_label) if push.analytics_label else None,
    )
    # Set afterwards: the constructor warns that tokens will give way to installation ids.
    for name, value in target.items():
        setattr(message, name, value)
    try:
        messaging._MessagingService.encode_message(message)  # noqa: SLF001 - checks the values
    except ValueError as error:
        raise InvalidPushError(str(error)) from None
    return message


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _android(push: Push, visible: bool) -> Any:
    from firebase_admin import messaging  # noqa: PLC0415

    options = push.android
    look = _given(
        icon=options.icon,
        color=options.color,
        sound=options.sound,
        channel_id=options.channel_id,
        click_action=options.click_action,
        tag=push.tag,
    )
    notification = messaging.AndroidNotification(**look) if look and visible else None
    given = _given(priority=options.priority, ttl=options.ttl, collapse_key=push.tag)
    if not given and notification is None:
        return None
    return messaging.AndroidConfig(notification=notification, **given)


def _ios(push: Push) -> Any:
    from firebase_admin import messaging  # noqa: PLC0415

    options = push.ios
    expires = None if options.ttl is None else str(int(time.time() + options.ttl))
    headers = {
        "apns-collapse-id": push.tag,
        "apns-priority": None if options.priority is None else str(options.priority),
        "apns-expiration": expires,
    }
    headers = {key: value for key, value in headers.items() if value is not None}
    aps = _given(
        badge=options.badge,
        sound=options.sound,
        category=options.category,
        thread_id=options.thread_id,
        content_available=options.content_available,
        mutable_content=options.mutable_content,
    )
    if not headers and not aps:
        return None
    payload = messaging.APNSPayload(messaging.Aps(**aps)) if aps else None
    return messaging.APNSConfig(headers=headers or None, payload=payload)


def _web(push: Push, visible: bool) -> Any:
    from firebase_admin import messaging  # noqa: PLC0415

    options = push.web
    ttl = None if options.ttl is None else str(int(options.ttl))
    headers = _given(TTL=ttl, Urgency=options.urgency)
    look = _given(icon=options.icon, tag=push.tag) if visible else {}
    if not headers and not look and options.link is None:
        return None
    return messaging.WebpushConfig(
        headers=headers or None,
        notification=messaging.WebpushNotification(**look) if look else None,
        fcm_options=messaging.WebpushFCMOptions(options.link) if options.link else None,
    )
