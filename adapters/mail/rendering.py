"""From a template's name and values to a mail that can be read."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from application.ports.mail import MailNotSent, OutgoingMail

_TEMPLATES = Path(__file__).parent / "templates"
_INSIDE_A_LINK = re.compile(r"(?<=\S)[.:@](?=\S)")
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMail:
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Renders `templates/<language>/<template>.txt` and `.html`; the first line of the text is the subject.

    Raise ValueError for a language that has no templates.
    """

    product: str = "Portico"
    language: str = "en"
    _templates: Environment = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folder = _TEMPLATES / self.language
        if not (folder / "layout.txt").is_file():
            raise ValueError(f"There are no mail templates for the language {self.language!r}.")
        templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.filters["unlinked"] = unlinked
        object.__setattr__(self, "_templates", templates)

    def render(self, mail: OutgoingMail) -> RenderedMail:
        """Raise MailNotSent if there is no such template, or it lacks a value."""
        values = {"product": self.product, **mail.values}
        try:
            first_line, _, text = self._templates.get_template(f"{mail.template}.txt").render(values).partition("\n")
            subject = " ".join(first_line.split())
            html = self._templates.get_template(f"{mail.template}.html").render(values, subject=subject)
        except TemplateError as error:
            raise MailNotSent(f"The template {mail.template!r} cannot be rendered: {type(error).__name__}") from error
        return RenderedMail(subject=subject, text=f"{text.strip()}\n", html=f"{html.strip()}\n")


def unlinked(chosen: str) -> str:
    """A name that a stranger chose, as it is read, but not as mail readers turn text into links."""
    return _INSIDE_A_LINK.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", str(chosen))  # str() refuses what is undefined
