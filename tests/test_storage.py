"""`ab.save` and `ab.load`: what goes in comes out, and no file can do harm."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import stat
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp.storage import npz, safetensors_file, skeleton

SUFFIXES = (".npz", ".safetensors")

any_text = st.text(st.characters(exclude_categories=()), max_size=8)  # surrogates and NUL too
arrays = hnp.arrays(
    st.sampled_from(sorted(skeleton.DTYPES)).map(np.dtype),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
scalars = st.sampled_from(sorted(skeleton.DTYPES)).flatmap(
    lambda dtype: hnp.from_dtype(np.dtype(dtype))
)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), any_text, arrays, scalars)
states = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(any_text, inner, max_size=4)
    ),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Whether two states are the same in every bit, type and order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray | np.generic):
        return (
            left.dtype == right.dtype
            and left.shape == right.shape
            and left.tobytes() == right.tobytes()
        )
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right) or (
            math.isnan(left) and math.isnan(right)
        )
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(state=states)
@settings(max_examples=150)
def test_any_nested_state_comes_back_as_it_was(
    suffix: str, state: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    ab.save(path, state)
    assert same(ab.load(path), state)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "keys",
    [
        ("__metadata__", "skeleton.json", "skeleton"),
        ("a.b", "../../etc/passwd", "/abs", "C:\\x", "..", ""),
        ("a\0b", "a\0c", "\ud800", "é", "e\u0301"),
        ("array_0", "\n", "array_1", "\t", "array_2", "x" * 70_000),
    ],
)
def test_hard_names_are_kept(suffix: str, keys: tuple[str, ...], tmp_path: Path) -> None:
    state = {key: np.array(float(i)) for i, key in enumerate(keys)}
    state["a"] = {"b": np.array([7.0])}  # its path is the key "a.b"
    ab.save(tmp_path / f"state{suffix}", state)
    assert same(ab.load(tmp_path / f"state{suffix}"), state)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nodes_come_back_as_numbers_and_layouts_as_plain_arrays(
    suffix: str, tmp_path: Path
) -> None:
    base = np.arange(12.0).reshape(3, 4)
    x = ab.Tensor(base, name="x")
    state = OrderedDict(
        leaf=x,
        result=x * 2.0,
        value=ab.Value(3.0),
        columns=np.asfortranarray(base),
        strided=base[::-1, ::2],
        big_endian=base.astype(">f8"),
        name=np.str_("n"),
    )
    ab.save(tmp_path / f"s{suffix}", state)
    expected = {
        "leaf": base,
        "result": base * 2.0,
        "value": 3.0,
        "columns": base,
        "strided": base[::-1, ::2],
        "big_endian": base,
        "name": "n",
    }
    loaded = ab.load(tmp_path / f"s{suffix}")
    assert same(loaded, expected)
    loaded["leaf"][0, 0] = 5.0  # arrays are the caller's own


class Unknown:
    pass


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": [1, Unknown()]}, r"'a\.1' is a Unknown"),
        ({"a": {1: 2}}, r"'a' has the key 1: keys must be text"),
        ([np.array([object()])], r"'0' is an array of object"),
        ([np.array([1j])], r"array of complex128"),
        ([np.array(["text"])], r"array of <U4"),
        ([np.ma.array([1.0])], r"masked array"),
        ([b"bytes"], r"'0' is a bytes"),
        ([1j], r"is a complex"),
        ({1, 2}, r"the state is a set"),
        (ab.optim.SGD([ab.Tensor([1.0])]), r"SGD: save its \.state_dict\(\)"),
        ([np.longdouble(1)], r"float128|float64"),
    ],
)
def test_what_cannot_be_saved_is_named_with_its_place(
    suffix: str, state: Any, message: str, tmp_path: Path
) -> None:
    if np.dtype(np.longdouble) == np.float64 and "float128" in message:
        pytest.skip("long double is double here")
    path = tmp_path / f"s{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(TypeError, match=message):
        ab.save(path, state)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_state_that_contains_itself_is_refused(tmp_path: Path) -> None:
    state: list[Any] = []
    state.append(state)
    with pytest.raises(ab.StorageError, match="nested more than 100 deep"):
        ab.save(tmp_path / "s.npz", state)


def test_numbers_of_any_size_and_depth_to_the_limit_are_kept(tmp_path: Path) -> None:
    state: Any = [2**200, -(2**64), -0.0, 5e-324]
    for _ in range(99):
        state = {"k": state}
    for suffix in SUFFIXES:
        ab.save(tmp_path / f"s{suffix}", state)
        assert same(ab.load(tmp_path / f"s{suffix}"), state)


@pytest.mark.parametrize("name", ["state", "state.pt", "state.pkl", "state.npy"])
def test_the_suffix_says_the_format(name: str, tmp_path: Path) -> None:
    with pytest.raises(ab.StorageError, match=r"must end in \.safetensors or \.npz"):
        ab.save(tmp_path / name, {})
    with pytest.raises(ab.StorageError, match=r"must end in"):
        ab.load(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_files_are_where_numpy_and_safetensors_look(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    state = {"0.weight": np.ones((2, 3), np.float32), "deep": [{"b": np.zeros(2)}], "epoch": 3}
    ab.save(tmp_path / "s.npz", state)
    with np.load(tmp_path / "s.npz", allow_pickle=False) as archive:
        assert sorted(archive.files) == ["0.weight", "deep.0.b", "skeleton.json"]
        assert archive["0.weight"].dtype == np.float32
        assert json.loads(archive["skeleton.json"])["dict"]["epoch"] == 3
    ab.save(tmp_path / "s.safetensors", state)
    assert sorted(load_file(tmp_path / "s.safetensors")) == ["0.weight", "deep.0.b"]


@pytest.mark.slow
def test_pytorch_reads_what_is_saved_and_the_other_way_round(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    ab.save(tmp_path / "s.safetensors", {"w": ab.Tensor([[1.0, 2.0]]), "n": np.array(3, np.int64)})
    theirs = load_file(tmp_path / "s.safetensors")
    assert torch.equal(theirs["w"], torch.tensor([[1.0, 2.0]], dtype=torch.float64))
    assert theirs["n"].item() == 3
    save_file({"w": torch.arange(6.0).reshape(2, 3)}, tmp_path / "t.safetensors")
    assert same(ab.load(tmp_path / "t.safetensors"), {"w": np.arange(6, dtype="f4").reshape(2, 3)})
    save_file({"w": torch.zeros(2, dtype=torch.bfloat16)}, tmp_path / "b.safetensors")
    with pytest.raises(ab.StorageError, match="'w' is of dtype 'BF16'"):
        ab.load(tmp_path / "b.safetensors")


def test_files_of_other_programs_are_dicts_of_arrays(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    state = {"b": np.arange(6.0).reshape(2, 3), "a/w": np.array([True])}
    np.savez(tmp_path / "n.npz", **state)
    assert same(ab.load(tmp_path / "n.npz"), state)
    np.savez_compressed(tmp_path / "c.npz", **state)
    assert same(ab.load(tmp_path / "c.npz"), state)
    np.savez(tmp_path / "f.npz", x=np.asfortranarray(state["b"]), y=state["b"].astype(">f4"))
    expected = {"x": state["b"], "y": state["b"].astype("f4")}
    assert same(ab.load(tmp_path / "f.npz"), expected)
    save_file(state, tmp_path / "s.safetensors")
    loaded = ab.load(tmp_path / "s.safetensors")
    assert same(dict(sorted(loaded.items())), dict(sorted(state.items())))


# -- writing as a whole ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"s{suffix}"
    ab.save(path, {"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ab.save(path, {"a": 2})
    monkeypatch.undo()
    assert ab.load(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (order.append("replace"), replace(self, to))[1]
    )
    ab.save(tmp_path / "s.npz", {})
    assert order == ["fsync", "replace", "fsync"]


def test_links_stay_links_and_files_have_the_usual_rights(tmp_path: Path) -> None:
    target = tmp_path / "target.npz"
    ab.save(target, {"a": 1})
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    link = tmp_path / "link.npz"
    link.symlink_to(target)
    ab.save(link, {"a": 2})
    assert link.is_symlink()
    assert ab.load(target) == {"a": 2}


def test_a_missing_folder_and_a_folder_in_the_way_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        ab.save(tmp_path / "nowhere" / "s.npz", {})
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        ab.save(tmp_path / "d.npz", {})
    with pytest.raises(ab.StorageError, match="not a regular file"):
        ab.load(tmp_path / "d.npz")
    with pytest.raises(FileNotFoundError):
        ab.load(tmp_path / "none.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(ab.StorageError, match="not a regular file"):
        ab.load(tmp_path / "pipe.npz")


# -- hostile files --------------------------------------------------------------------------------

STATE = {"w": np.arange(6.0).reshape(2, 3), "b": np.array([True, False]), "more": [1, "text"]}


def content(suffix: str) -> bytes:
    arrays, text = skeleton.take_apart(STATE, lambda _: True)
    return {".npz": npz, ".safetensors": safetensors_file}[suffix].pack(arrays, text)


def refuse(path: Path, data: bytes, message: str = ": ") -> None:
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ab.StorageError, match=message) as raised:
            ab.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.name in str(raised.value)
    assert peak < 5_000_000 + 30 * len(data)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_truncation_is_refused(suffix: str, tmp_path: Path) -> None:
    whole = content(suffix)
    for length in range(0, len(whole), 1 if suffix == ".safetensors" else 7):
        refuse(tmp_path / f"t{suffix}", whole[:length])


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(data=st.binary(max_size=300))
def test_foreign_bytes_are_refused(
    suffix: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    refuse(tmp_path_factory.getbasetemp() / f"foreign{suffix}", data)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(data=st.data())
@settings(max_examples=300)
def test_tampered_bytes_are_refused_or_read_but_raise_nothing_else(
    suffix: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(content(suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"tampered{suffix}"
    path.write_bytes(whole)
    try:
        ab.load(path)
    except ab.StorageError as error:
        assert path.name in str(error)


def npy(array: Any, **header: Any) -> bytes:
    """An npy file, with a header that may lie."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": np.lib.format.dtype_to_descr(array.dtype),
            "fortran_order": False,
            "shape": array.shape,
            **header,
        },
    )
    return file.getvalue() + array.tobytes()


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, data in members:
            made.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


class Bomb:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/autograd_bp_was_here",)


ONES = np.ones(3)
HOSTILE_ZIPS = {
    "object arrays": (
        archive(("a.npy", npy(np.zeros(1), descr="|O")[:-8] + pickle.dumps(Bomb()))),
        "Python objects, which are never loaded",
    ),
    "a pickle for an array": (archive(("a.npy", pickle.dumps(Bomb()))), "magic string"),
    "a huge shape": (
        archive(("a.npy", npy(ONES, shape=(2**40,)))),
        "should have 8796093022208 bytes",
    ),
    "a shape whose size overflows": (
        archive(("a.npy", npy(ONES, shape=(2**62, 4)))),
        "should have",
    ),
    "a negative shape": (archive(("a.npy", npy(ONES, shape=(-3,)))), "should have"),
    "two negative lengths": (archive(("a.npy", npy(ONES, shape=(-3, -1)))), "should have"),
    "no numbers but endless axes": (archive(("a.npy", npy(ONES[:0], shape=(0,) * 80))), "a.*"),
    "more numbers than the shape": (archive(("a.npy", npy(ONES, shape=(2,)))), "should have 16"),
    "structured dtype": (archive(("a.npy", npy(np.zeros(1, "f4,f4")))), "holds"),
    "text": (archive(("a.npy", npy(np.array(["x"])))), "holds"),
    "booleans that are none": (
        archive(("a.npy", npy(np.zeros(2, bool))[:-1] + b"\2")),
        "neither 0 nor 1",
    ),
    "a climbing name": (archive(("../a.npy", npy(ONES))), "path for a name"),
    "an absolute name": (archive(("/a.npy", npy(ONES))), "path for a name"),
    "a backslash": (archive(("a\\b.npy", npy(ONES))), "path for a name"),
    "a member that is no array": (archive(("run.sh", b"rm")), "no array: 'run.sh'"),
    "a compression npz files do not have": (
        archive(("a.npy", npy(ONES)), compression=zipfile.ZIP_BZIP2),
        "compressed in a way",
    ),
    "a zip bomb": (
        archive(("a.npy", npy(np.zeros(1_000_000))), compression=zipfile.ZIP_DEFLATED),
        "claims to expand",
    ),
    "a skeleton that lacks an array": (
        archive(("skeleton.json", b'{"array": "a"}')),
        "needs the array 'a' once more",
    ),
    "a skeleton that takes one twice": (
        archive(("skeleton.json", b'[{"array": "a"}, {"array": "a"}]'), ("a.npy", npy(ONES))),
        "needs the array 'a' once more",
    ),
    "a skeleton that leaves one out": (
        archive(("skeleton.json", b"[]"), ("a.npy", npy(ONES))),
        "does not mention",
    ),
    "a skeleton of unknown kinds": (archive(("skeleton.json", b'{"code": "x"}')), "no kind"),
    "a skeleton with a key twice": (
        archive(("skeleton.json", b'{"dict": {"a": 1, "a": 2}}')),
        "'a' twice",
    ),
    "a skeleton with nan": (archive(("skeleton.json", b"[NaN]")), "no JSON"),
    "a skeleton of endless depth": (
        archive(("skeleton.json", b"[" * 100_000 + b"]" * 100_000)),
        "no JSON|too deep",
    ),
    "a skeleton that is no text": (archive(("skeleton.json", b"\xff\xfe")), "damaged"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE_ZIPS.values(), ids=HOSTILE_ZIPS)
def test_a_hostile_npz_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    refuse(tmp_path / "hostile.npz", data, message)
    assert not Path("/tmp/autograd_bp_was_here").exists()


def test_an_archive_with_a_member_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive(("a.npy", npy(ONES)), ("a.npy", npy(ONES)))
    refuse(tmp_path / "twice.npz", data, "'a.npy' twice")


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    inner = archive(("a.npy", npy(np.zeros(1000))), ("b.npy", npy(ONES)))
    # Both entries of the central directory point to the first member.
    place = inner.rindex(b"PK\1\2")
    data = bytearray(inner)
    data[place + 42 : place + 46] = struct.pack("<I", 0)
    refuse(tmp_path / "overlap.npz", bytes(data), "overlaps|differ|damaged")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(archive(("a.npy", npy(ONES))))
    place = data.rindex(b"PK\1\2")
    data[place + 8] |= 1
    refuse(tmp_path / "secret.npz", bytes(data), "encrypted")


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(start: int, end: int, shape: Any = (1,), dtype: Any = "F64") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


EIGHT = b"\0" * 8
HOSTILE_SAFETENSORS = {
    "a header longer than the file": (struct.pack("<Q", 2**63) + b"{}", "its header should have"),
    "a header that is no JSON": (safetensors(b"{not json"), "no JSON"),
    "a header that is no object": (safetensors([1]), "no JSON object"),
    "a header that is no text": (safetensors(b"\xff\xff\xff\xff"), "no JSON"),
    "a header of endless depth": (safetensors(b'{"a":' * 50_000), "no JSON"),
    "a name twice": (
        safetensors(b'{"a":%s,"a":%s}' % ((json.dumps(entry(0, 8)).encode(),) * 2), EIGHT),
        "'a' twice",
    ),
    "tensors that overlap": (
        safetensors({"a": entry(0, 8), "b": entry(4, 12)}, EIGHT + b"\0" * 4),
        "whole",
    ),
    "a gap": (safetensors({"a": entry(0, 8), "b": entry(16, 24)}, EIGHT * 3), "whole"),
    "a huge shape": (safetensors({"a": entry(0, 8, (2**60, 2**60))}, EIGHT), "whole"),
    "a shape that is not its data's": (safetensors({"a": entry(0, 8, (3,))}, EIGHT), "whole"),
    "a negative shape": (safetensors({"a": entry(0, 8, (-1,))}, EIGHT), "whole"),
    "data that is not there": (safetensors({"a": entry(0, 80, (10,))}, EIGHT), "whole"),
    "data that is not mentioned": (safetensors({"a": entry(0, 8)}, EIGHT * 2), "whole"),
    "an unknown dtype": (safetensors({"a": entry(0, 8, dtype="O")}, EIGHT), "dtype 'O'"),
    "a dtype that is no text": (safetensors({"a": entry(0, 8, dtype=[1])}, EIGHT), "dtype"),
    "an entry that is a number": (safetensors({"a": 3}), "dtype"),
    "metadata that is no text": (safetensors({"__metadata__": {"a": 1}}), "metadata"),
    "booleans that are none": (
        safetensors({"a": entry(0, 1, dtype="BOOL")}, b"\2"),
        "neither 0 nor 1",
    ),
    "a skeleton that is no JSON": (
        safetensors({"__metadata__": {"autograd_bp": "os.system('x')"}}),
        "no JSON",
    ),
    "a number without end": (safetensors(b'{"a": ' + b"9" * 10_000 + b"}"), "no JSON"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE_SAFETENSORS.values(), ids=HOSTILE_SAFETENSORS)
def test_a_hostile_safetensors_file_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    refuse(tmp_path / "hostile.safetensors", data, message)


def test_a_header_that_no_program_reads_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safetensors_file, "_LONGEST_HEADER", 1000)
    ab.save(tmp_path / "s.safetensors", {"a": "x" * 500})
    with pytest.raises(ab.StorageError, match="keep long lists of numbers as arrays"):
        ab.save(tmp_path / "s.safetensors", {"a": "x" * 1000})
    assert ab.load(tmp_path / "s.safetensors") == {"a": "x" * 500}


def test_the_other_format_under_a_false_name_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path / "false.npz", content(".safetensors"), "no zip archive")
    refuse(tmp_path / "false.safetensors", content(".npz"), "no whole safetensors file")


def test_safetensors_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        ab.save(tmp_path / "s.safetensors", {})
