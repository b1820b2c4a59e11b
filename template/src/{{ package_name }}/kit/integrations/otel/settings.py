"""The standard variables of OpenTelemetry that this worker gives a meaning or checks."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from ...config.fields import EnvSettings


def _headers(value: object) -> object:
    """`api-key=abc,tenant=7`, values percent-encoded where needed."""
    if not isinstance(value, str):
        return value
    pairs = [pair.split("=", 1) for pair in value.split(",") if pair.strip()]
    if any(len(pair) < 2 for pair in pairs):
        raise ValueError("not name=value pairs with commas between")
    return {name.strip(): unquote(text.strip()) for name, text in pairs}


Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s]*$")]


class OtelSettings(EnvSettings):
    """What is exported, and where to. Every other `OTEL_*` variable is the SDK's affair.

    Without an endpoint nothing is exported, unlike the SDK's own default, localhost.

    Sources:
        https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """

    otel_exporter_otlp_endpoint: Url | None = None
    otel_exporter_otlp_traces_endpoint: Url | None = None
    otel_exporter_otlp_metrics_endpoint: Url | None = None
    # A field of its own kind, so that the logs know the values as secrets.
    otel_exporter_otlp_headers: Annotated[
        dict[str, SecretStr], NoDecode, BeforeValidator(_headers)
    ] = Field(default_factory=dict)
    otel_exporter_otlp_protocol: Literal["http/protobuf"] = "http/protobuf"
    otel_traces_exporter: Literal["otlp", "none"] = "otlp"
    otel_metrics_exporter: Literal["otlp", "none"] = "otlp"
    otel_service_name: str | None = None
    otel_resource_attributes: str = ""
    otel_traces_sampler: str = "parentbased_always_on"
    otel_traces_sampler_arg: str | None = None
    otel_metric_export_interval: int = Field(60_000, ge=100)  # milliseconds
    otel_sdk_disabled: bool = False

    @property
    def traces(self) -> bool:
        """Whether spans are exported."""
        endpoint = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        wanted = self.otel_traces_exporter == "otlp" and not self.otel_sdk_disabled
        return wanted and endpoint is not None

    @property
    def metrics(self) -> bool:
        """Whether metrics are exported."""
        endpoint = self.otel_exporter_otlp_metrics_endpoint or self.otel_exporter_otlp_endpoint
        wanted = self.otel_metrics_exporter == "otlp" and not self.otel_sdk_disabled
        return wanted and endpoint is not None
