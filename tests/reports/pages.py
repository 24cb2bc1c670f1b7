"""Reading of a report as a browser would: elements, attributes, texts."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "img"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    children: "list[Element | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str | None = None, **attributes: str) -> "list[Element]":
        """Every element below, in the order of the document, with a name and attributes."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                fits = name in (None, child.name) and attributes.items() <= child.attributes.items()
                found += [*([child] if fits else []), *child.all(name, **attributes)]
        return found


class Page(HTMLParser):
    """A parsed report; elements that are not closed as they were opened fail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("root", {})
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root]

    def handle_starttag(self, name, attributes):
        element = Element(name, {key: value or "" for key, value in attributes})
        self._open[-1].children.append(element)
        if name not in VOID:
            self._open.append(element)

    def handle_endtag(self, name):
        assert self._open.pop().name == name

    def handle_data(self, data):
        self._open[-1].children.append(data)

    @property
    def all(self):
        return self.root.all

    @property
    def text(self) -> str:
        return self.root.text

    def section(self, title: str) -> Element:
        (found,) = [each for each in self.all("section") if each.all("h2")[0].text == title]
        return found

    def rows(self, title: str) -> dict[str, list[str]]:
        """The rows of a section's tables: cells by the name of the row."""
        rows = [row for table in self.section(title).all("tbody") for row in table.all("tr")]
        return {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in rows}
