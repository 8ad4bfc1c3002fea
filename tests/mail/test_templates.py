import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import adapters.mail
from adapters.mail.rendering import Renderer, unlinked
from application.ports.mail import MailNotSent, OutgoingMail
from domain.mail import MailKind
from tests.mail.messages import CODE, TOKEN, VALUES, VALUES_BY_TEMPLATE, a_mail, renderer

ENGLISH = Path(adapters.mail.__path__[0]) / "templates" / "en"
SHARED = {"layout", "parts"}

every_template = pytest.mark.parametrize("template", VALUES_BY_TEMPLATE)
every_template_with_a_token = pytest.mark.parametrize(
    "template", [name for name, values in VALUES_BY_TEMPLATE.items() if "token" in values]
)
every_security_notice = pytest.mark.parametrize(
    "template",
    [
        "password_changed",
        "email_change_requested",
        "email_changed",
        "account_closed",
        "password_reset",
        "email_code",
        "factors_changed",
        "factors_reset",
        "factors_locked",
        "recovery_code_used",
        "passkey_cloned",
    ],
)


class Page(HTMLParser):
    """The tags of a page, the text between them and what it would load or open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.unclosed: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def targets(self) -> set[str | None]:
        return {value for name, value in self.attributes if name in {"href", "src", "action", "background"}}


def test_the_templates_are_those_that_the_relay_names_in_text_and_html() -> None:
    assert {path.stem for path in ENGLISH.glob("*.txt")} - SHARED == VALUES_BY_TEMPLATE.keys()
    assert {path.stem for path in ENGLISH.glob("*.html")} - SHARED == VALUES_BY_TEMPLATE.keys()


@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_of_mail_has_a_template_of_its_name(kind: MailKind) -> None:
    assert kind.value in VALUES_BY_TEMPLATE


@every_template
def test_a_template_needs_no_value_beyond_those_it_was_promised(template: str) -> None:
    rendered = renderer.render(a_mail(template))
    assert "Example & Co" in rendered.subject
    assert "Example & Co" in rendered.text
    assert "Example & Co" in Page(rendered.html).text


@every_template
def test_a_template_uses_every_value_that_is_its_own(template: str) -> None:
    values = VALUES_BY_TEMPLATE[template]
    rendered = renderer.render(a_mail(template))
    for name in values:
        assert VALUES[name] in rendered.text
        assert VALUES[name] in Page(rendered.html).text


@every_template
def test_a_missing_value_sends_nothing(template: str) -> None:
    with pytest.raises(MailNotSent, match=template):
        renderer.render(OutgoingMail(to=a_mail().to, template=template, values={}))


def test_an_unknown_template_sends_nothing() -> None:
    with pytest.raises(MailNotSent, match="lottery_won"):
        renderer.render(a_mail("lottery_won"))


def test_a_language_without_templates_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="tlh"):
        Renderer(language="tlh")


@every_template
def test_a_subject_is_one_short_line(template: str) -> None:
    subject = Renderer().render(a_mail(template)).subject
    assert subject == subject.strip()
    assert 0 < len(subject) <= 70
    assert subject.isprintable()


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\x85", "\u2028"])
def test_a_line_break_in_the_name_of_the_product_stays_out_of_the_subject(line_break: str) -> None:
    subject = Renderer(product=f"Portico{line_break}Bcc: eve@example.com").render(a_mail()).subject
    assert subject.isprintable()


@every_template
def test_a_text_fits_a_plain_screen(template: str) -> None:
    rendered = renderer.render(a_mail(template))
    assert rendered.text == rendered.text.strip() + "\n"
    assert all(len(line) <= 120 for line in rendered.text.splitlines())
    assert "\n\n\n\n" not in rendered.text
    assert "{" not in rendered.text


@every_template
def test_a_page_is_well_formed_and_says_what_the_text_says(template: str) -> None:
    rendered = renderer.render(a_mail(template))
    page = Page(rendered.html)
    assert page.unclosed == []
    assert "{" not in page.text
    told = " ".join(page.text.split())
    for paragraph in rendered.text.rpartition("\n--\n")[0].strip().split("\n\n"):
        if "by hand?" not in paragraph:  # there, the page puts the call in the middle of the sentence
            assert " ".join(paragraph.split()) in told


@every_template
def test_a_page_is_accessible_and_loads_nothing(template: str) -> None:
    rendered = renderer.render(a_mail(template))
    page = Page(rendered.html)
    assert ("lang", "en") in page.attributes
    assert page.opened.count("h1") == page.opened.count("title") == page.opened.count("main") == 1
    assert {"img", "script", "link", "style", "iframe", "object", "form"}.isdisjoint(page.opened)
    assert "url(" not in rendered.html
    assert page.targets <= {VALUES["public_url"], VALUES["link"]}


@every_template_with_a_token
def test_a_token_stands_in_the_fragment_of_the_link_and_once_by_itself(template: str) -> None:
    rendered = renderer.render(a_mail(template))
    assert VALUES["link"] in rendered.text.splitlines()
    assert TOKEN in rendered.text.splitlines()
    page = Page(rendered.html)
    assert VALUES["link"] in page.targets
    assert page.text.replace(VALUES["link"], "").count(TOKEN) == 1
    assert rendered.text.replace(VALUES["link"], "").count(TOKEN) == 1
    assert TOKEN not in rendered.subject


@every_template
def test_html_in_a_value_stays_text(template: str) -> None:
    hostile = "\"><script>alert('&')</script>"
    rendered = Renderer(product=hostile).render(
        a_mail(template, **dict.fromkeys(VALUES_BY_TEMPLATE[template], hostile))
    )
    assert "<script" not in rendered.html
    assert hostile in Page(rendered.html).text
    assert hostile in rendered.text


@every_security_notice
def test_a_security_notice_says_what_to_do_if_it_was_not_you(template: str) -> None:
    text = renderer.render(a_mail(template)).text
    assert "not you:" in text or "did not ask for this?" in text


@pytest.mark.parametrize(("hours", "said"), [("1", "1 hour."), ("2", "2 hours."), ("24", "24 hours.")])
@pytest.mark.parametrize("template", ["verification", "email_change", "invitation"])
def test_hours_are_counted_as_people_do(template: str, hours: str, said: str) -> None:
    rendered = renderer.render(a_mail(template, hours=hours))
    assert said in " ".join(rendered.text.split())
    assert said in rendered.html


@pytest.mark.parametrize(("minutes", "said"), [("1", "1 minute."), ("30", "30 minutes.")])
def test_minutes_are_counted_as_people_do(minutes: str, said: str) -> None:
    rendered = renderer.render(a_mail("password_reset", minutes=minutes))
    assert said in " ".join(rendered.text.split())
    assert said in rendered.html


def test_a_code_stands_alone_so_that_it_is_easily_copied_and_once() -> None:
    rendered = renderer.render(a_mail("email_code"))
    assert CODE in rendered.text.splitlines()
    assert rendered.text.count(CODE) == Page(rendered.html).text.count(CODE) == 1


def test_a_code_is_not_in_the_subject_which_mail_servers_log_and_locked_screens_show() -> None:
    assert CODE not in renderer.render(a_mail("email_code")).subject


def test_a_code_says_where_it_works_and_that_nobody_asks_for_it() -> None:
    text = renderer.render(a_mail("email_code")).text
    assert "only in the browser in which it was asked for" in text
    assert "Give it to nobody" in text
    assert "for 1 minute, and" in renderer.render(a_mail("email_code", minutes="1")).text


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("factors_changed", "A reset leaves second factors as they are"),
        ("factors_locked", "A reset does not shorten the wait"),
    ],
)
def test_a_notice_about_factors_says_what_a_password_reset_does_not_do(template: str, said: str) -> None:
    assert said in " ".join(renderer.render(a_mail(template)).text.split())


def test_what_was_rendered_keeps_its_code_out_of_its_repr() -> None:
    assert CODE not in repr(renderer.render(a_mail("email_code")))
    assert CODE not in repr(a_mail("email_code"))


PHISHING = "Your mailbox is full: https://evil.example/login, evil.example or help@evil.example"


def test_the_name_of_an_organization_stays_out_of_the_subject() -> None:
    named = renderer.render(a_mail("invitation", organization="Prize! Bcc: eve@example.com"))
    assert named.subject == renderer.render(a_mail("invitation")).subject
    assert Page(named.html).text.count("Prize!") == 1


def test_the_name_of_an_organization_is_read_as_it_was_chosen_and_is_never_a_link() -> None:
    rendered = renderer.render(a_mail("invitation", organization=PHISHING))
    page = Page(rendered.html)
    assert page.targets == {VALUES["public_url"], VALUES["link"]}
    for shown in (rendered.text, page.text):
        assert f"“{PHISHING}”" in shown.replace("\u200b", "")
        assert not re.search(r"https://evil|evil\.example|help@e", shown)


def test_the_name_of_an_organization_stands_apart_and_cannot_pass_for_a_word_of_ours() -> None:
    longest = "Ω" * 100
    rendered = renderer.render(a_mail("invitation", organization=longest))
    assert f"“{longest}”" in rendered.text.splitlines()
    assert f"“<bdi>{longest}</bdi>”</p>" in rendered.html


@pytest.mark.parametrize("name", ["St. Gallen e. V.", "Acme: north", "a @ b", "Mr. Ω"])
def test_an_ordinary_name_is_left_alone(name: str) -> None:
    assert unlinked(name) == name


def test_what_was_rendered_keeps_its_token_out_of_its_repr() -> None:
    assert TOKEN not in repr(renderer.render(a_mail()))
    assert TOKEN not in repr(a_mail())
