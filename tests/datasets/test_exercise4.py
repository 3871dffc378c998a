"""Exercise 4: the file, the same data made again from MNIST, and files that are refused."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_bp.datasets import DataError, DataMissingError, exercise4, exercise4_weights
from autograd_bp.datasets.exercise4 import from_mnist
from autograd_bp.datasets.resize import bicubic, shrink, shrinking_matrix

scipy_io = pytest.importorskip("scipy.io")

X, Y = np.linspace(-0.1, 1.1, 6 * 400).reshape(6, 400), np.array([[10], [1], [2], [9], [5], [10]])


@pytest.fixture
def write(tmp_path):
    def write(name="ex4data1.mat", **arrays):
        scipy_io.savemat(tmp_path / name, arrays)
        return tmp_path

    return write


def test_the_file_gives_images_and_the_labels_of_the_exercise(write):
    x, y = exercise4(write(X=X, y=Y.astype(np.uint8)))
    assert np.array_equal(x, X)
    assert y.tolist() == [10, 1, 2, 9, 5, 10]
    assert (x.dtype, y.dtype) == (np.float64, np.int64)


MALFORMED = {
    "no labels": ({"X": X}, "there is no y in it, only"),
    "other images": ({"X": X[:, :399], "y": Y}, r"X has shape \(6, 399\)"),
    "a label too few": ({"X": X, "y": Y[:5]}, r"y has shape \(5, 1\), not \(6, 1\)"),
    "labels in a row": ({"X": X, "y": Y.T}, r"y has shape \(1, 6\)"),
    "label 0": ({"X": X, "y": Y % 10}, "label 0 is 0, but labels are 1 to 10"),
    "label 11": ({"X": X, "y": Y + 1}, "label 0 is 11"),
    "half a label": ({"X": X, "y": Y - 0.5}, "label 0 is 9.5"),
    "text": ({"X": "digits", "y": Y}, "X is of class char"),
    "a cell": ({"X": np.array([[{}]], object), "y": Y}, "X is of class"),
    "complex numbers": ({"X": X + 1j, "y": Y}, "X holds complex128"),
    "not finite": ({"X": X * np.inf, "y": Y}, "X has an entry that is not finite"),
    "no images": ({"X": X[:0], "y": Y[:0]}, r"X has shape \(0, "),
    "three axes": ({"X": np.zeros((2, 20, 20)), "y": Y}, "X is declared to have shape"),
}


@pytest.mark.parametrize(("arrays", "reason"), MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_file_is_refused_by_name_and_reason(write, arrays, reason):
    with pytest.raises(DataError, match=f"ex4data1.mat: {reason}"):
        exercise4(write(**arrays))


def packed(version="5"):
    file = io.BytesIO()
    scipy_io.savemat(file, {"X": X, "y": Y}, format=version, do_compression=version == "5")
    return file.getvalue()


@given(st.data())
def test_a_file_cut_off_or_with_a_wrong_byte_is_read_or_refused(tmp_path_factory, data):
    content = bytearray(packed(data.draw(st.sampled_from(["4", "5"]))))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        at = data.draw(st.integers(0, min(len(content) - 1, 400)))
        content[at] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("mat")
    (folder / "ex4data1.mat").write_bytes(content)
    try:
        assert exercise4(folder).x.shape[1] == 400
    except DataError as error:
        assert "ex4data1.mat" in str(error)


def test_a_version_4_file_that_declares_a_giant_array_is_refused(tmp_path):
    header = np.array([0, 1_000_000_000, 400, 0, 2], "<i4").tobytes()
    (tmp_path / "ex4data1.mat").write_bytes(header + b"X\0")
    with pytest.raises(DataError, match=r"ex4data1.mat: "):
        exercise4(tmp_path)


def test_an_hdf5_file_is_refused_with_what_to_do(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "ex4data1.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" * 20)
    with pytest.raises(DataError, match=r"MATLAB 7\.3: save it with -v7"):
        exercise4(tmp_path)


def test_a_file_far_too_large_is_not_opened(tmp_path):
    with (tmp_path / "ex4data1.mat").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(DataError, match="far smaller"):
        exercise4(tmp_path)


def test_weights_of_another_shape_are_refused(write):
    folder = write("ex4weights.mat", Theta1=np.ones((25, 401)), Theta2=np.ones((26, 10)))
    with pytest.raises(DataError, match=r"ex4weights.mat: Theta2 has shape \(26, 10\)"):
        exercise4_weights(folder)


def test_what_is_missing_is_said_with_what_to_do(tmp_path):
    with pytest.raises(
        DataMissingError, match=r"ex4weights.mat is not in .* comes with exercise 4"
    ):
        exercise4_weights(tmp_path)
    with pytest.raises(DataMissingError, match="download=True"):
        exercise4(tmp_path)


# -- made again from MNIST ------------------------------------------------------------------------


def test_the_kernel_is_an_interpolation_whose_copies_add_up_to_one():
    assert bicubic(np.arange(-3.0, 4)).tolist() == [0, 0, 0, 1, 0, 0, 0]
    offsets = np.linspace(0, 1, 11)[:, None] + np.arange(-3, 4)
    assert bicubic(offsets).sum(axis=1) == pytest.approx(np.ones(11), abs=1e-14)


@given(st.integers(2, 40), st.data())
def test_a_grey_image_stays_grey_and_a_mirrored_one_mirrored(old, data):
    new = data.draw(st.integers(1, old))
    matrix = shrinking_matrix(old, new)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(new), abs=1e-12)
    assert matrix[::-1, ::-1] == pytest.approx(matrix, abs=1e-12)


def test_an_image_of_the_same_size_stays_what_it_is():
    image = np.random.default_rng(0).random((2, 7, 7))
    assert shrink(image, 7) == pytest.approx(image, abs=1e-15)


def test_images_are_unrolled_column_by_column():
    images = np.zeros((5000, 28, 28), np.uint8)
    images[:, :, 0] = 255  # a line down the left side
    x, y = from_mnist(images, np.tile(np.arange(10), 500).astype(np.uint8))
    left = x[0, :20]
    assert left == pytest.approx(np.full(20, left[0]), abs=1e-14)
    assert left[0] > 0.5
    assert abs(x[0, 100:]).max() < 0.01
    assert y.tolist() == [10] * 500 + [digit for digit in range(1, 10) for _ in range(500)]


def test_too_few_images_of_a_digit_are_refused():
    labels = np.repeat(np.arange(10), 500).astype(np.uint8)
    labels[labels == 4] = 5
    with pytest.raises(DataError, match="of the digit 4 there are only 0"):
        from_mnist(np.zeros((5000, 28, 28), np.uint8), labels)


def test_what_is_made_from_mnist_is_what_is_in_the_file(data_folder):
    x, y = exercise4(data_folder)
    x_made, y_made = exercise4(data_folder, rebuild=True)
    assert (x.shape, y.shape) == ((5000, 400), (5000,))
    assert np.abs(x_made - x).max() < 1e-14
    assert np.array_equal(y_made, y)
    assert (x_made.dtype, y_made.dtype) == (x.dtype, y.dtype)


def test_the_given_weights_are_right_for_97_52_percent(data_folder):
    x, y = exercise4(data_folder)
    theta1, theta2 = exercise4_weights(data_folder)
    hidden = 1 / (1 + np.exp(-(x @ theta1[:, 1:].T + theta1[:, 0])))
    outputs = hidden @ theta2[:, 1:].T + theta2[:, 0]
    assert np.mean(np.argmax(outputs, axis=1) + 1 == y) == 0.9752


def test_without_the_file_it_is_made_from_the_mnist_files_that_are_there(data_folder, tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (tmp_path / name).symlink_to(data_folder / name)
    x, y = exercise4(tmp_path)
    assert (x.shape, y.shape) == ((5000, 400), (5000,))
    with pytest.raises(DataMissingError, match="ex4weights"):
        exercise4_weights(tmp_path)
