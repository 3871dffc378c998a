"""Text from users: escaped so that it survives, measured so that it fits."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.text import escape_dot, escape_xml, one_line, shorten, visible, width

# Everything a Python string can hold: control characters and lone surrogates too.
ANYTHING = st.text(st.characters(exclude_categories=()))
NOT_FOR_XML = ["\x00", "\x01", "\x0b", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"]


@given(ANYTHING)
def test_any_text_comes_back_from_an_xml_parser(content):
    escaped = escape_xml(content)
    element = ET.fromstring(f'<a b="{escaped}">{escaped}</a>'.encode())
    assert (element.text or "") == visible(content)


@given(ANYTHING)
def test_any_text_comes_back_from_an_html_parser_and_opens_no_element(content):
    found = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, _):
            found.append(tag)

        def handle_data(self, data):
            found.append(data)

    parser = Parser()
    parser.feed(f"<p>{escape_xml(content)}</p>")
    parser.close()
    assert found[0] == "p"
    assert "".join(found[1:]) == visible(content)


@given(ANYTHING)
def test_escaping_for_dot_leaves_one_quoted_string(content):
    quoted = escape_dot(content)
    inside = quoted[1:-1].replace("\\\\", "").replace('\\"', "")
    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in inside
    assert not inside.endswith("\\")
    assert "\n" not in inside


@given(ANYTHING)
def test_only_what_xml_cannot_carry_is_replaced(content):
    kept = visible(content)
    assert len(kept) == len(content)
    changed = {before for before, after in zip(content, kept, strict=True) if before != after}
    for character in changed:
        with pytest.raises((ET.ParseError, UnicodeEncodeError)):
            ET.fromstring(f"<a>{character}</a>".encode())


@pytest.mark.parametrize("character", NOT_FOR_XML, ids=ascii)
def test_what_xml_cannot_carry_is_replaced_visibly(character):
    assert visible(f"a{character}b") == "a\ufffdb"


@given(ANYTHING, st.floats(20, 400), st.floats(6, 30), st.booleans())
def test_shortened_text_fits_and_keeps_both_ends(content, room, size, bold):
    shown = one_line(content)
    short = shorten(shown, room, size, bold=bold)
    if short == shown:
        return
    assert width(short, size, bold=bold) <= max(room, width("…", size, bold=bold))
    head, _, tail = short.partition("…")
    assert shown.startswith(head)
    assert shown.endswith(tail.removeprefix("…")) or "…" in shown


@given(ANYTHING)
def test_what_is_shown_is_one_line_without_control_characters(content):
    shown = one_line(content)
    assert len(shown.splitlines()) <= 1
    assert all(character >= " " and character != "\x7f" for character in shown)


def test_an_accent_stays_with_its_letter_when_a_name_is_shortened():
    assert shorten("e\u0301" * 40, 60, 12).replace("e\u0301", "") == "…"


def test_a_thousand_accents_on_one_letter_do_not_cover_the_picture():
    assert len(one_line("a" + "\u0301" * 1000 + "b")) < 10


def test_chinese_takes_twice_the_room_of_digits_and_accents_none():
    assert width("苹果", 10) > 1.7 * width("22", 10)
    assert width("e\u0301", 10) == width("e", 10)
