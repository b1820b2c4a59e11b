"""Describing a service: where it is, how it pages, what its rows look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


class PublicRow(BaseModel):
    """Base of a row: `apt_name` reads `aptName`; blanks and empty elements are None."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        str_strip_whitespace=True,
        coerce_numbers_to_str=True,  # the same field is a number in JSON and a text in XML
        frozen=True,
        extra="ignore",
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_none(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {
            key: None if isinstance(value, str) and not value.strip() else value
            for key, value in values.items()
        }


def _without_commas(value: Any) -> Any:
    return value.replace(",", "").strip() if isinstance(value, str) else value


CommaInt = Annotated[int, BeforeValidator(_without_commas)]
"""A whole number that may be written as " 82,500"."""

CommaDecimal = Annotated[Decimal, BeforeValidator(_without_commas)]
"""A decimal number that may be written with commas."""

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Paging:
    """Names of the parameters for the page's number and its number of rows."""

    number: str
    size: str


PAGE_NO = Paging("pageNo", "numOfRows")  # apis.data.go.kr
PER_PAGE = Paging("page", "perPage")  # api.odcloud.kr


@dataclass(frozen=True, slots=True)
class Service(Generic[Row]):
    """One operation of a service.

    Args:
        path: Below GOVERMENT_KOREA_DATA_BASE_URL, or a full URL, for instance of
            api.odcloud.kr.
        row: Model of a row, usually a `PublicRow`.
        paging: Names of the paging parameters.
        options: Sent with every call. They ask for JSON; the flag's name varies: _type,
            type, dataType, resultType, returnType. XML is read as well.
        key_name: Parameter of the service key; some services write it ServiceKey.
        daily_limit: Calls a day that your account may make, where it is not the one of
            GOVERMENT_KOREA_DATA_DAILY_LIMIT.
    """

    path: str
    row: type[Row]
    paging: Paging = PAGE_NO
    options: Mapping[str, str] = field(default_factory=lambda: {"_type": "json"})
    key_name: str = "serviceKey"
    daily_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page.

    Args:
        number: Counted from 1.
        rows: Its rows; may be none.
        total: How many rows there are altogether, where the service says so.
        state: Where a run through all pages stands after this one, for `context.checkpoint`.
    """

    number: int
    rows: list[Row]
    total: int | None
    state: dict[str, Any] = field(default_factory=dict)


def normalise_key(key: str) -> str:
    """Return the service key decoded, as it must stand in `params`.

    The portal shows it encoded and decoded. An encoded one would be encoded twice, which the
    gateway answers with code 30.
    """
    text = key.strip().strip("\"'")
    return unquote(text) if "%" in text else text
