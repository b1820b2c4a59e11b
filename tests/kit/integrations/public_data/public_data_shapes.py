"""Answers of data.go.kr, as they were recorded."""

from __future__ import annotations

import json

PATH = "/1613000/RTMSDataSvcAptTradeDev/getRTMSDataSvcAptTradeDev"
ROW = {
    "aptNm": "은마",
    "dealAmount": " 245,000",
    "dealYear": 2026,
    "dealMonth": 1,
    "dealDay": 15,
    "excluUseAr": 76.79,
    "floor": 8,
    "umdNm": "대치동",
    "cdealDay": " ",
}

GATEWAY_XML = """<OpenAPI_ServiceResponse>
  <cmmMsgHeader>
    <errMsg>SERVICE ERROR</errMsg>
    <returnAuthMsg>{text}</returnAuthMsg>
    <returnReasonCode>{code}</returnReasonCode>
  </cmmMsgHeader>
</OpenAPI_ServiceResponse>"""


def rows_json(items: object, total: int = 1, code: str = "000") -> str:
    """An answer with rows, in JSON; `items` as a service may write it."""
    body = {"items": items, "numOfRows": 100, "pageNo": 1, "totalCount": total}
    header = {"resultCode": code, "resultMsg": "OK"}
    return json.dumps({"response": {"header": header, "body": body}})


def rows_xml(items: str, total: int = 1, code: str = "000") -> str:
    """The same in XML."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><response>'
        f"<header><resultCode>{code}</resultCode><resultMsg>OK</resultMsg></header>"
        f"<body>{items}<numOfRows>100</numOfRows><pageNo>1</pageNo>"
        f"<totalCount>{total}</totalCount></body></response>"
    )


def gateway(code: str, text: str, shape: str) -> str:
    """An error of the gateway: `OpenAPI_ServiceResponse` in XML or JSON."""
    if shape == "xml":
        return GATEWAY_XML.format(code=code, text=text)
    head = {"errMsg": "SERVICE ERROR", "returnAuthMsg": text, "returnReasonCode": code}
    return json.dumps({"OpenAPI_ServiceResponse": {"cmmMsgHeader": head}})


def service(code: str, text: str, shape: str) -> str:
    """An error of a service: `response.header.resultCode`."""
    if shape == "xml":
        return (
            f"<response><header><resultCode>{code}</resultCode>"
            f"<resultMsg>{text}</resultMsg></header></response>"
        )
    return json.dumps({"response": {"header": {"resultCode": code, "resultMsg": text}}})


def bare(code: str, text: str, shape: str) -> str:
    """An error of a service: `resultCode` alone."""
    if shape == "xml":
        return f"<result><resultCode>{code}</resultCode><resultMsg>{text}</resultMsg></result>"
    return json.dumps({"resultCode": code, "resultMsg": text})
