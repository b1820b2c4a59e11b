"""Templates: escaped, sandboxed, and never with a hole in them."""

from __future__ import annotations

import json

import pytest
from mail_templates import BROKEN, MISTAKES, write_templates

from worker_payment.kit.integrations.mail import MailTemplateError
from worker_payment.kit.integrations.mail.preview import EXAMPLE
from worker_payment.kit.integrations.mail.settings import (
    TemplateSettings,
)
from worker_payment.kit.integrations.mail.templates import (
    MailTemplates,
)

GOOD = {"number": 7, "name": "Kim"}


def test_puts_values_into_subject_text_and_html(templates):
    rendered = templates.render("order", GOOD)
    assert rendered.subject == "Order 7"
    assert rendered.text == "Dear Kim,\nthank you."
    assert rendered.html == "<p>Dear Kim</p>"


def test_escapes_values_in_html_alone(templates):
    rendered = templates.render("order", {"number": "<1>", "name": "<script>"})
    assert rendered.subject == "Order <1>"
    assert "Dear <script>," in rendered.text
    assert rendered.html == "<p>Dear &lt;script&gt;</p>"


def test_a_template_of_text_alone_has_no_html(templates):
    assert templates.render("note", {"text": "hello"}).html is None


def test_a_missing_variable_is_an_error_that_tells_its_name_and_line(templates):
    with pytest.raises(MailTemplateError, match=r"order/body.txt, line 1: .*'name' is undefined"):
        templates.render("order", {"number": 7})


@pytest.mark.parametrize("subject", ["a\nb", "a\r\nBcc: all@example.com", "a\u2028b", "a\0b"])
def test_a_value_cannot_break_the_subject_into_headers(templates, subject):
    with pytest.raises(MailTemplateError, match="line break or a control character"):
        templates.render("order", {"number": subject, "name": "Kim"})


@pytest.mark.parametrize(
    "name", ["", "../order", "/order", "order/", "a b", "order/../note", "a\n"]
)
def test_a_template_name_cannot_lead_out_of_the_folder(templates, name):
    with pytest.raises(MailTemplateError, match="not a template name"):
        templates.render(name, GOOD)


def test_an_unknown_template_is_told_with_those_there_are(templates):
    with pytest.raises(MailTemplateError, match=r"'welcom'.*there are: note, order"):
        templates.render("welcom", GOOD)


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_what_a_template_may_not_do_is_told_by_its_line(tmp_path, text, told):
    files = {"bad/subject.txt": "Bad", "bad/body.txt": f"first line\n{text}"}
    templates = MailTemplates(write_templates(tmp_path, files))
    with pytest.raises(MailTemplateError, match=f"bad/body.txt, line 2: .*{told}") as caught:
        templates.render("bad", {"data": {"x": "secret-value", "zero": 0}})
    assert "secret-value" not in str(caught.value)


def test_the_check_reads_every_file(tmp_path):
    files = {"good/subject.txt": "Good", "good/body.txt": "", "bad/body.html": BROKEN}
    with pytest.raises(MailTemplateError, match=r"bad/body.html, line 1"):
        MailTemplates(write_templates(tmp_path, files)).compile_all()


def test_every_template_of_this_repository_renders_with_its_example():
    templates = MailTemplates(TemplateSettings(_env_file=None).mail_template_dir)
    assert templates.compile_all() >= 1
    for name in templates.names():
        data = json.loads((templates.folder / name / EXAMPLE).read_text(encoding="utf-8"))
        assert templates.render(name, data).subject
