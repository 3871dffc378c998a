"""The list of names: the published one, one's own, and what is refused."""

import pytest

from autograd_bp.datasets import DataError, DataMissingError, names


@pytest.fixture
def write(tmp_path):
    def write(content):
        (tmp_path / "names.txt").write_bytes(content)
        return tmp_path

    return write


@pytest.mark.parametrize(
    "content",
    [b"emma\nolivia\n", b"emma\nolivia", b"emma\r\nolivia\r\n", b"\xef\xbb\xbfemma\nolivia\n"],
    ids=["newline", "no newline at the end", "carriage returns", "byte order mark"],
)
def test_every_line_is_a_name(write, content):
    assert names(write(content)) == ["emma", "olivia"]


def test_names_may_be_of_any_language(write):
    assert names(write("Zoë\n苹果\nO'Neil\nMary Ann\n".encode())) == [
        "Zoë",
        "苹果",
        "O'Neil",
        "Mary Ann",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1 is empty"),
        (b"\n", "line 1 is empty"),
        (b"emma\n\nava\n", "line 2 is empty"),
        (b"emma\n  \n", "line 2 is empty"),
        (b"emma\navb\0a\n", "line 2 has a character that is not printable"),
        (b"emma\n\x1b[31mred\n", "line 2 has a character that is not printable"),
        (b"\xff\xfee\0m\0", "this is not UTF-8 text"),
        (b"\x1f\x8b\x08\x00", "this is not UTF-8 text"),
    ],
)
def test_a_malformed_list_is_refused_by_name_and_reason(write, content, reason):
    with pytest.raises(DataError, match=f"names.txt: {reason}"):
        names(write(content))


def test_a_missing_list_is_said_with_what_to_do(tmp_path):
    with pytest.raises(DataMissingError, match=r"names.txt is not in .*names\(download=True\)"):
        names(tmp_path)


def test_the_published_list_has_32033_names(data_folder):
    found = names(data_folder)
    assert len(found) == 32033
    assert found[:3] == ["emma", "olivia", "ava"]
    assert set("".join(found)) == set("abcdefghijklmnopqrstuvwxyz")
