"""Downloads, against a server on this machine that misbehaves in every way we could think of."""

import contextlib
import hashlib
import multiprocessing
import os
import re
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from autograd_bp.datasets import DataError, DownloadError, download, mnist
from autograd_bp.datasets import mnist as mnist_function
from autograd_bp.datasets.download import fetch
from autograd_bp.datasets.published import Published
from tests.datasets.files import little_mnist

CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = Published("file.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Server:
    """Serves `files`; `behave` changes how one request is answered, and `ranges` lists them."""

    def __init__(self):
        self.files = {FILE.name: CONTENT}
        self.ranges, self.behaviours = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                assert self.headers.get("Accept-Encoding") == "identity"
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
                behave = outer.behaviours.pop(0) if outer.behaviours else answer
                with contextlib.suppress(ConnectionError):
                    behave(self, outer.files.get(name), start)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/folder"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def answer(request, content, start, *, status=None, headers=(), body=None, length=None):
    """The right answer to a request, or one with something changed."""
    if content is None:
        request.send_error(404)
        return
    body = content[start:] if body is None else body
    request.send_response(status or (206 if start else 200))
    standard = {"Content-Length": str(len(body) if length is None else length)}
    if start:
        standard["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    for key, value in {**standard, **dict(headers)}.items():
        if value:
            request.send_header(key, value)
    request.end_headers()
    request.wfile.write(body)


def cut_after(count):
    """Announce everything, send `count` bytes, and hang up."""

    def behave(request, content, start):
        answer(
            request,
            content,
            start,
            body=content[start : start + count],
            length=len(content) - start,
        )
        request.close_connection = True

    return behave


def changed(**settings):
    return lambda request, content, start: answer(request, content, start, **settings)


def from_the_beginning(request, content, _):
    """A server that knows no ranges."""
    answer(request, content, 0)


def unannounced_end(request, content, start):
    """Half of it, with no length: the end of the connection looks like the end of the file."""
    answer(
        request, content, start, body=content[start : start + 100], headers={"Content-Length": ""}
    )


def another_range(request, content, start):
    answer(request, content, start, headers={"Content-Range": f"bytes {start + 1}-/*"})


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0.001)
    monkeypatch.setattr(download, "TIMEOUT", 1.0)
    server = Server()
    yield server
    server.close()


@pytest.fixture
def get(server, tmp_path):
    """Fetch the file from the server, and see that nothing is left beside it."""
    target = tmp_path / "data" / FILE.name

    def get(*mirrors):
        fetch(FILE, target, mirrors or [server.address], progress=False)
        assert target.read_bytes() == CONTENT
        assert [path.name for path in target.parent.iterdir()] == [FILE.name]

    get.part = target.with_name(FILE.name + ".part")
    get.target = target
    return get


def test_a_file_is_fetched_in_one_request(server, get):
    get()
    assert server.ranges == [None]


def test_a_connection_that_is_cut_goes_on_where_it_ended(server, get):
    server.behaviours = [cut_after(1000), cut_after(70_000), cut_after(1)]
    get()
    assert server.ranges == [None, "bytes=1000-", "bytes=71000-", "bytes=71001-"]


def test_many_cuts_are_no_matter_as_long_as_bytes_come(server, get):
    server.behaviours = [cut_after(20_000)] * 14
    get()
    assert len(server.ranges) == 15


def test_an_end_that_was_not_announced_is_noticed(server, get):
    server.behaviours = [unannounced_end]
    get()
    assert server.ranges == [None, "bytes=100-"]


def test_what_an_earlier_program_left_is_used(server, get):
    get.part.parent.mkdir()
    get.part.write_bytes(CONTENT[:123_456])
    get()
    assert server.ranges == ["bytes=123456-"]


def test_what_an_earlier_program_left_may_be_all(server, get):
    get.part.parent.mkdir()
    get.part.write_bytes(CONTENT)
    get()
    assert server.ranges == []


@pytest.mark.parametrize("left", [b"something else", b"x" * FILE.size, CONTENT + b"more"])
def test_what_an_earlier_program_left_may_be_wrong(server, get, left):
    get.part.parent.mkdir()
    get.part.write_bytes(left)
    get()
    assert server.ranges[-1] is None


@pytest.mark.parametrize("behave", [from_the_beginning, another_range])
def test_a_server_that_ignores_the_range_sends_all_again(server, get, behave):
    server.behaviours = [cut_after(5000), behave]
    get()


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_in_trouble_is_asked_again(server, get, status):
    server.behaviours = [lambda request, *_: request.send_error(status), cut_after(10)]
    get()
    assert server.ranges == [None, None, "bytes=10-"]


def test_a_range_that_is_refused_starts_again(server, get):
    server.behaviours = [cut_after(10), lambda request, *_: request.send_error(416)]
    get()
    assert server.ranges == [None, "bytes=10-", None]


def test_a_server_that_says_nothing_is_given_up(server, get, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    server.behaviours = [lambda *_: time.sleep(0.4)]
    get()


def test_the_next_mirror_is_asked_when_one_has_not_got_it(server, get):
    server.behaviours = [lambda request, *_: request.send_error(404)]
    get(server.address + "/old", server.address)


def test_the_next_mirror_is_asked_when_one_is_not_there(server, get, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    get("http://127.0.0.1:9/", server.address)


WRONG = b"x" * FILE.size
REFUSED = {
    "wrong content": (changed(body=WRONG), "its SHA-256 sum is"),
    "one wrong bit": (changed(body=CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])), "its SHA-256 sum is"),
    "too short": (
        changed(body=b"<html>not here</html>"),
        "its file has 21 bytes; the published one has 300000",
    ),
    "too long": (changed(body=CONTENT + b"more"), "its file has 300004 bytes"),
    "empty": (changed(body=b""), "its file has 0 bytes"),
    "forbidden": (lambda request, *_: request.send_error(403), "403"),
    "hangs up": (lambda request, *_: request.connection.close(), "http://127.0.0.1"),
    "elsewhere": (changed(status=302, headers={"Location": "file:///etc/passwd"}), "file:"),
    "in circles": (changed(status=302, headers={"Location": "/folder/file.gz"}), "30"),
}


@pytest.mark.parametrize(("behave", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_not_the_published_file_never_gets_its_name(server, get, behave, reason):
    server.behaviours = [behave] * 200
    with pytest.raises(DownloadError, match=f"{FILE.name} could not be fetched: http.*") as caught:
        get()
    assert re.search(reason, str(caught.value))
    assert not get.target.exists()
    assert len(server.ranges) < 20
    server.behaviours = []
    get()


def test_an_endless_answer_is_cut_off(server, get):
    def endless(request, *_):
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"x" * 10_000)

    server.behaviours = [endless] * 9
    with pytest.raises(DownloadError, match="more than the 300000 bytes"):
        get()


@pytest.mark.parametrize("address", ["ftp://example.org/", "file:///tmp", "mnist", ""])
def test_an_address_is_http_or_https(get, address):
    with pytest.raises(ValueError, match="begins with http:// or https://"):
        get(address)
    assert not get.target.parent.exists()


def test_there_must_be_an_address(tmp_path):
    with pytest.raises(ValueError, match="no address"):
        fetch(FILE, tmp_path / FILE.name, [])


def fetch_in_a_process(address, target):
    fetch(FILE, target, [address], progress=False)


@pytest.fixture
def start(server, get):
    """Starts fetching in a process of its own."""
    context = multiprocessing.get_context("spawn")

    def start():
        process = context.Process(target=fetch_in_a_process, args=(server.address, get.target))
        process.start()
        return process

    return start


@pytest.mark.slow
def test_a_program_that_is_killed_goes_on_where_it_was(server, get, start):
    def stalls(request, content, beginning):
        answer(request, content, beginning, body=content[:50_000], length=len(content))
        time.sleep(5)

    server.behaviours = [stalls]
    process = start()
    deadline = time.monotonic() + 60
    while not (get.part.exists() and get.part.stat().st_size == 50_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not get.target.exists()
    get()
    assert server.ranges == [None, "bytes=50000-"]


@pytest.mark.slow
def test_two_programs_at_once_fetch_it_once(server, get, start):
    def slowly(request, content, beginning):
        time.sleep(3)
        answer(request, content, beginning)

    server.behaviours = [slowly]
    processes = [start() for _ in range(2)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert server.ranges == [None]
    assert get.target.read_bytes() == CONTENT


# -- MNIST from a server --------------------------------------------------------------------------


@pytest.fixture
def little_server(server, monkeypatch):
    """The server with a little MNIST, which is taken for the published one."""
    _, files = little_mnist()
    server.files = dict(files)

    def published(part):
        return type(part)(
            *(
                Published(file.name, len(content), hashlib.sha256(content).hexdigest())
                for file in part
                for content in [files[file.name]]
            )
        )

    module = __import__("sys").modules[mnist_function.__module__]
    monkeypatch.setattr(module, "TRAIN", published(module.TRAIN))
    monkeypatch.setattr(module, "TEST", published(module.TEST))
    return server


def test_mnist_is_fetched_into_the_cache_once(little_server, tmp_path):
    settings = {"download": True, "mirrors": [little_server.address], "progress": False}
    train, test = mnist(**settings)
    assert (len(train.x), len(test.x)) == (12, 5)
    cache = tmp_path / "cache" / "autograd-bp"
    assert {path.name for path in cache.iterdir()} == set(little_server.files)
    assert len(little_server.ranges) == 4
    mnist(**settings)
    assert np.array_equal(mnist().train.x, train.x)
    assert len(little_server.ranges) == 4


def test_mnist_is_fetched_into_the_folder_that_is_given(little_server, tmp_path):
    folder = tmp_path / "new" / "folder"
    mnist(folder, download=True, mirrors=[little_server.address], progress=False)
    assert {path.name for path in folder.iterdir()} == set(little_server.files)


def test_only_what_is_missing_is_fetched(little_server, little_folder):
    (little_folder / "t10k-labels-idx1-ubyte.gz").unlink()
    mnist(little_folder, download=True, mirrors=[little_server.address], progress=False)
    assert len(little_server.ranges) == 1


def test_a_file_of_mnist_that_is_not_the_published_one_is_refused(little_server, tmp_path):
    name = "train-labels-idx1-ubyte.gz"
    little_server.files[name] = little_server.files[name][:-1] + b"\1"
    with pytest.raises(DataError, match=f"{name} could not be fetched: .*SHA-256"):
        mnist(tmp_path / "new", download=True, mirrors=[little_server.address], progress=False)
    assert not (tmp_path / "new" / name).exists()


def test_a_bar_shows_how_far_it_is(server, tmp_path, capsys):
    server.behaviours = [cut_after(1000)]
    fetch(FILE, tmp_path / FILE.name, [server.address])
    shown = capsys.readouterr().err
    assert FILE.name in shown
    assert "300k/300k" in shown
