"""What must hold of any HTML that is written: a parser of our own that keeps the stack."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st

VOID = {"meta", "link", "br", "img", "input", "hr", "source"}
P_CLOSERS = {"div", "p", "ul", "ol", "dl", "table", "section", "figure", "pre", "h1", "h2", "h3"}
LOADING = {"src", "srcset", "action", "formaction", "poster", "background", "xlink:href", "data"}
HANDLERS = "on"
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60)
BREAKERS = st.sampled_from(
    ["</script><script>x()</script>", "<!--", "]]>", '"onload="x()', "'><svg/onload=x()>", "&lt;",
     "</style>", "{% raw %}", "\u2028", "<script", "\\u003c/script>", "${x}", "//evil.example",
     "arm-1 off-arm-0"]
)  # fmt: skip
HOSTILE_NAMES = st.one_of(NAMES, BREAKERS, st.tuples(NAMES, BREAKERS).map("".join))


class Page(HTMLParser):
    """Elements with their attributes, the texts, and every violation of nesting."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.stack, self.problems, self.texts = [], [], [], []
        self.feed(str(text))
        self.close()
        if self.stack:
            self.problems.append(f"never closed: {self.stack}")

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> has an attribute twice: {names}")
        if tag in P_CLOSERS and "p" in self.stack:
            self.problems.append(f"<{tag}> inside of <p>: {self.stack}")
        self.elements.append((tag, dict(attributes), tuple(self.stack)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), tuple(self.stack)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.stack[-3:]}")
            return
        self.stack.pop()

    def handle_data(self, data):
        self.texts.append((data, tuple(self.stack)))

    def named(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def shown(self):
        """All text that a reader sees."""
        hidden = {"script", "style", "title"}
        return " ".join(text for text, stack in self.texts if not hidden & set(stack))

    def foreign(self):
        """Everything that would load or run something."""
        found = []
        for tag, attributes, _ in self.elements:
            for name, value in attributes.items():
                if name in LOADING or name.startswith(HANDLERS):
                    found.append((tag, name, value))
                if name == "href" and not (value or "").startswith("#"):
                    found.append((tag, name, value))
                if name == "style" and "url(" in (value or ""):
                    found.append((tag, name, value))
        scripts = [a for a in self.named("script") if a.get("type") != "application/json"]
        return found, len(scripts)

    def skeleton(self, *, without=()):
        """Elements and the names of their attributes, of tags that no text brings with it."""
        return [(tag, sorted(names)) for tag, names, _ in self.elements if tag not in without]


def assert_fragment(text, limit):
    """A fragment has one root, and neither style, script nor name reaches the page around it."""
    page = Page(text)
    assert page.problems == []
    assert [tag for tag, _, stack in page.elements if not stack] == ["div"]
    names = {tag for tag, _, _ in page.elements}
    assert not names & {"style", "script", "link", "meta", "html", "body", "img"}
    assert not any("class" in a or "id" in a for _, a, _ in page.elements)
    assert page.foreign() == ([], 0)
    assert len(text) < limit
