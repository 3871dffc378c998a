"""MNIST from a folder: where it is looked for, what is made of it, what is refused."""

import gzip
import hashlib

import numpy as np
import pytest

from autograd_bp.datasets import DataError, DataMissingError, mnist
from autograd_bp.datasets.mnist import TEST, TRAIN
from tests.datasets.files import idx, little_mnist

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def test_images_become_rows_from_0_to_1_and_labels_integers(little_folder):
    arrays, _ = little_mnist()
    for part, (images, labels) in zip(mnist(little_folder), arrays.values(), strict=True):
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int64
        assert part.y.tolist() == labels.tolist()
        assert part.x.shape == (len(labels), 784)
        assert np.array_equal(part.x, images.reshape(-1, 784).astype(np.float32) / 255)


def test_the_dtype_can_be_chosen(little_folder):
    train, _ = mnist(little_folder, dtype=np.float64)
    images, _ = little_mnist()[0]["train"]
    assert np.array_equal(train.x, images.reshape(-1, 784) / 255)


def test_files_need_not_be_compressed(little_folder):
    expected = mnist(little_folder)
    for path in list(little_folder.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert np.array_equal(mnist(little_folder).test.x, expected.test.x)


def test_the_folder_of_the_environment_variable_is_used(little_folder, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_BP_DATA", str(little_folder))
    assert len(mnist().train.x) == 12


def test_after_it_comes_the_cache(little_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRAD_BP_DATA", str(tmp_path))
    (tmp_path / "cache").mkdir()
    little_folder.rename(tmp_path / "cache" / "autograd-bp")
    assert len(mnist().train.x) == 12


def test_a_given_folder_is_the_only_one(little_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRAD_BP_DATA", str(little_folder))
    with pytest.raises(DataMissingError) as caught:
        mnist(tmp_path / "elsewhere")
    assert str(tmp_path / "elsewhere") in str(caught.value)
    assert str(little_folder) not in str(caught.value)


def test_what_is_missing_is_said_with_where_and_what_to_do(little_folder, monkeypatch):
    (little_folder / LABELS).unlink()
    monkeypatch.setenv("AUTOGRAD_BP_DATA", str(little_folder))
    with pytest.raises(DataMissingError) as caught:
        mnist()
    for said in (LABELS, str(little_folder), "AUTOGRAD_BP_DATA", "download=True"):
        assert said in str(caught.value)
    assert isinstance(caught.value, DataError | ValueError | FileNotFoundError)


MALFORMED = {
    "a label above 9": (LABELS, idx([3] * 7 + [10] + [3] * 4), "label 7 is 10, but digits are 0"),
    "fewer labels than images": (LABELS, idx([3] * 11), "11 labels for the 12 images of"),
    "other images": (IMAGES, idx(np.zeros((12, 32, 32))), "the images are 32 x 32 pixels, not 28"),
    "flat images": (IMAGES, idx(np.zeros((12, 784, 1))), "784 x 1 pixels"),
    "labels for images": (IMAGES, idx([1] * 12), "magic number 2051, but the magic number is 2049"),
}


@pytest.mark.parametrize(("name", "content", "reason"), MALFORMED.values(), ids=list(MALFORMED))
def test_files_that_do_not_fit_are_refused_by_name_and_reason(little_folder, name, content, reason):
    (little_folder / name).write_bytes(gzip.compress(content))
    with pytest.raises(DataError) as caught:
        mnist(little_folder)
    assert str(caught.value).startswith(str(little_folder / name))
    assert reason in str(caught.value)


def test_a_folder_in_the_place_of_a_file_is_refused(little_folder):
    (little_folder / IMAGES).unlink()
    (little_folder / IMAGES).mkdir()
    with pytest.raises(DataError, match=f"{IMAGES}: this is not a file"):
        mnist(little_folder)


def test_the_published_files_have_the_sums_in_the_code(data_folder):
    for published in (*TRAIN, *TEST):
        content = (data_folder / published.name).read_bytes()
        assert len(content) == published.size
        assert hashlib.sha256(content).hexdigest() == published.sha256


def test_the_published_files_are_read(data_folder):
    train, test = mnist(data_folder)
    assert (train.x.shape, test.x.shape) == ((60000, 784), (10000, 784))
    assert np.bincount(train.y).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert float(train.x.mean()) == pytest.approx(0.1306604762738429, rel=1e-5)
