"""The idx format: what is well-formed is read, all else is refused by name and reason."""

import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from autograd_bp.datasets import DataError, read_idx
from tests.datasets.files import idx

LABELS = idx([7, 2, 1, 0])


@given(st_numpy.arrays(np.uint8, st_numpy.array_shapes(min_dims=1, max_dims=3)), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, array, compressed):
    path = tmp_path_factory.mktemp("idx") / ("file.gz" if compressed else "file")
    path.write_bytes(gzip.compress(idx(array)) if compressed else idx(array))
    found = read_idx(path, array.ndim)
    assert found.dtype == np.uint8
    assert np.array_equal(found, array)


GIANT = (2051).to_bytes(4) + b"\xff\xff\xff\xff" * 3
LARGE = (2049).to_bytes(4) + (1 << 30).to_bytes(4)

MALFORMED = {
    "empty": (b"", 1, "magic number 2049, but it is shorter"),
    "a magic number cut off": (LABELS[:3], 1, "it is shorter than that"),
    "a header cut off": (LABELS[:6], 1, "ends within its header"),
    "images instead of labels": (idx(np.zeros((1, 2, 2))), 1, "the magic number is 2051"),
    "labels instead of images": (LABELS, 3, "the magic number is 2049"),
    "numbers that are no bytes": (b"\x00\x00\x0d\x01" + LABELS[4:], 1, "magic number is 3329"),
    "bytes in the other order": (LABELS[3::-1] + LABELS[4:], 1, "the magic number is 17301504"),
    "a label missing": (LABELS[:-1], 1, "4 bytes, but only 3 follow: the file is cut off"),
    "bytes behind the end": (LABELS + b"\0", 1, "4 bytes, but more follow"),
    "no labels": (idx([]), 1, "which is empty"),
    "images of no pixels": (idx(np.zeros((3, 0, 28))), 3, "which is empty"),
    "a giant size": (GIANT + b"\0" * 9, 3, "are not believed"),
    "a large size with nothing behind it": (LARGE, 1, "but only 0 follow"),
    "text": (b"<!DOCTYPE html>", 1, "magic number is 1008813135"),
}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "ndim", "reason"), MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_file_is_refused_by_name_and_reason(
    tmp_path, content, ndim, reason, compressed
):
    path = tmp_path / ("malformed-ubyte.gz" if compressed else "malformed-ubyte")
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(DataError) as caught:
        read_idx(path, ndim)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)


PACKED = gzip.compress(idx(np.arange(200) % 10), mtime=0)


@pytest.mark.parametrize("kept", [2, 9, 11, 20, len(PACKED) // 2, len(PACKED) - 8, len(PACKED) - 1])
def test_gzip_data_that_is_cut_off_is_refused(tmp_path, kept):
    path = tmp_path / "labels.gz"
    path.write_bytes(PACKED[:kept])
    with pytest.raises(DataError, match=r"labels.gz: the gzip data ends too early"):
        read_idx(path, 1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PACKED[:-5] + bytes([PACKED[-5] ^ 1]) + PACKED[-4:], id="checksum"),
        pytest.param(PACKED + b"trailing", id="trailing bytes"),
        pytest.param(PACKED[:2] + b"\x07" + PACKED[3:], id="method"),
        pytest.param(PACKED[:10] + b"\xff" * 30 + PACKED[40:], id="content"),
    ],
)
def test_gzip_data_that_is_damaged_is_refused(tmp_path, content):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"labels.gz: the gzip data is damaged"):
        read_idx(path, 1)


def test_a_name_that_ends_in_gz_promises_gzip(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(LABELS)
    with pytest.raises(DataError, match=r"labels.gz: the name ends in .gz, but the file is not"):
        read_idx(path, 1)


def test_gzip_is_found_out_whatever_the_name(tmp_path):
    (tmp_path / "labels").write_bytes(gzip.compress(LABELS))
    assert read_idx(tmp_path / "labels", 1).tolist() == [7, 2, 1, 0]


def test_two_gzip_members_in_a_row_are_one_file(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(LABELS[:6]) + gzip.compress(LABELS[6:]))
    assert read_idx(path, 1).tolist() == [7, 2, 1, 0]


def test_a_declared_size_takes_no_memory_before_the_bytes_are_there(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(LARGE)
    tracemalloc.start()
    with pytest.raises(DataError):
        read_idx(path, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_gzip_bomb_is_not_unpacked_past_the_declared_size(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(LABELS + b"\0" * (64 << 20)))
    tracemalloc.start()
    with pytest.raises(DataError, match="but more follow"):
        read_idx(path, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@given(st.binary(max_size=60))
def test_any_bytes_at_all_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "labels"
    for prefix in (b"", LABELS[:4], PACKED[:12]):
        path.write_bytes(prefix + content)
        try:
            assert read_idx(path, 1).ndim == 1
        except DataError as error:
            assert str(path) in str(error)


def test_a_file_that_is_not_there_is_a_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing", 1)
