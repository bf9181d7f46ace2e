"""Python source with light highlighting by the standard library's tokenizer."""

from __future__ import annotations

import io
import keyword
import token
import tokenize

from markupsafe import Markup, escape

from torchclinic.render.html.svg import tag

CLASSES = {
    tokenize.COMMENT: "c",
    token.STRING: "s",
    token.NUMBER: "n",
}


def highlight(source: str) -> Markup:
    """The source with spans around comments, strings, numbers and keywords.

    Source that the tokenizer refuses is shown plain.

    >>> highlight("x = 1  # one")
    Markup('x = <span class="n">1</span>  <span class="c"># one</span>')
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return escape(source)
    starts = _line_starts(source)
    parts: list[Markup] = []
    done = 0
    for item in tokens:
        class_ = CLASSES.get(item.type) or ("k" if keyword.iskeyword(item.string) else None)
        if class_ is None:
            continue
        start = starts[item.start[0] - 1] + item.start[1]
        end = starts[item.end[0] - 1] + item.end[1]
        parts += [escape(source[done:start]), tag("span", source[start:end], class_=class_)]
        done = end
    parts.append(escape(source[done:]))
    return Markup("").join(parts)


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts
