"""Downloads against a server on this machine that fails in every way a server can."""

import contextlib
import errno
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections import namedtuple

import pytest

from introdl.data import disk, download, locks, progress, transfer
from introdl.data.errors import Damaged, DataError, DiskFull, Offline, in_units
from introdl.data.sources import PublishedFile

QUICK = download.Patience(tries=3, stall=0.4, pause=0.01, longest_pause=0.05)
CONTENT = bytes(range(256)) * 2000  # 512,000 bytes, not the same at any two places a cut may fall
Asked = namedtuple("Asked", "path range if_range")


class Server:
    """A server on 127.0.0.1. For each path: its content, and a behavior for each request in turn (the last one stays)."""

    def __init__(self):
        self.pages, self.asked, self.stop = {}, [], threading.Event()
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.close_connection = True
                with outer.lock:
                    outer.asked.append(Asked(self.path, self.headers.get("Range"), self.headers.get("If-Range")))
                    content, behaviors = outer.pages[self.path]
                    behavior = behaviors.pop(0) if len(behaviors) > 1 else behaviors[0]
                with contextlib.suppress(ConnectionError):
                    behavior(self, content)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def put(self, path, content, *behaviors):
        self.pages[path] = (content, list(behaviors or [whole()]))
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def close(self):
        self.stop.set()
        self.http.shutdown()
        self.http.server_close()


def whole(tag='"1"', upto=None, then="close", ranges=True, length=True, pace=None, checked=True):
    """Answer as a good server does, with one thing wrong where an argument says so.

    `upto` bytes of the body are sent, `then` it closes, stalls or trickles; `length` is True, False (none) or added to the
    true one; `checked` is whether If-Range is heeded; `pace` is a pause between blocks.
    """

    def answer(handler, content):
        start, wanted = 0, handler.headers.get("Range")
        current = handler.headers.get("If-Range") in (None, tag) or not checked
        if ranges and wanted and current:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if start >= len(content):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(content)}")
                handler.send_header("Content-Length", "0")
                return handler.end_headers()
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        if tag:
            handler.send_header("ETag", tag)
        if length is not False:
            handler.send_header("Content-Length", str(len(content) - start + (0 if length is True else length)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        body = content[start:][:upto]
        for at in range(0, len(body), 50_000):
            handler.wfile.write(body[at : at + 50_000])
            handler.wfile.flush()
            if pace:
                time.sleep(pace)
        if then == "stall":
            handler.server_stop.wait(5)
        for _ in range(50 if then == "trickle" and not handler.server_stop.wait(0.1) else 0):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    return answer


def status(code, **headers):
    def answer(handler, _):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.send_header("Connection", "close")
        handler.end_headers()

    return answer


def other(content):
    """Send something else than what was put there."""
    return lambda handler, _: whole()(handler, content)


def chunked(content_upto=None):
    """Send in chunks, without a length, as GitHub does; broken off where a number is given."""

    def answer(handler, content):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n" % len(content) + content[:content_upto])
        if content_upto is None:
            handler.wfile.write(b"\r\n0\r\n\r\n")

    return answer


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    made.http.RequestHandlerClass.server_stop = made.stop
    yield made
    made.close()


def published(*addresses, content=CONTENT, **changed):
    known = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return PublishedFile("food.bin", addresses, **(known | changed))


def left(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_downloaded_once_and_has_a_receipt(server, tmp_path):
    file = published(server.put("/a", CONTENT))
    path = download.fetch(file, tmp_path, QUICK)
    assert path.read_bytes() == CONTENT
    assert left(tmp_path) == ["food.bin", "food.bin.json"]
    noted = json.loads((tmp_path / "food.bin.json").read_text())
    assert noted["sha256"] == file.sha256 and noted["checksum"] == "published" and noted["address"] == file.addresses[0]
    assert download.fetch(file, tmp_path, QUICK) == path
    assert len(server.asked) == 1


def test_a_truncated_download_goes_on_where_it_broke_off(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=200_000), whole(upto=100_000), whole()))
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == [None, "bytes=200000-", "bytes=300000-"]
    assert server.asked[1].if_range == '"1"'


def test_a_download_goes_on_in_a_later_call(server, tmp_path):
    gone = published(server.put("/a", CONTENT, whole(upto=200_000), whole(upto=0)))
    with pytest.raises(DataError, match=r"broke off after 200,000 of 512,000 bytes.*200 kB that came are kept"):
        download.fetch(gone, tmp_path, QUICK)
    assert not (tmp_path / "food.bin").exists()
    server.put("/a", CONTENT)
    assert download.fetch(gone, tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=200000-"


def test_a_server_that_stalls_is_dropped_and_asked_again(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=200_000, then="stall"), whole()))
    begun = time.monotonic()
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert time.monotonic() - begun < 3
    assert [asked.range for asked in server.asked] == [None, "bytes=200000-"]


def test_a_server_that_always_stalls_is_given_up_with_a_sentence(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=0, then="stall")))
    with pytest.raises(DataError, match=r"sent nothing for 0\.4 s.*Try again later"):
        download.fetch(file, tmp_path, QUICK)
    assert len(server.asked) == QUICK.tries


def test_a_server_that_trickles_is_dropped(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=0, then="trickle"), whole()))
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    # What trickled was wrong as well: so after the resumed try there is one from zero.
    assert [asked.range is None for asked in server.asked] == [True, False, True]


def test_a_length_that_is_too_long_is_a_broken_download(server, tmp_path):
    unknown = published(server.put("/a", CONTENT, whole(length=1000, ranges=False)), size=None)
    with pytest.raises(DataError, match="broke off after 512,000 of 513,000 bytes"):
        download.fetch(unknown, tmp_path, QUICK)
    assert not (tmp_path / "food.bin").exists()


@pytest.mark.parametrize("by", [1000, -1000])
def test_a_length_that_is_not_the_published_one_is_refused(server, tmp_path, by):
    file = published(server.put("/a", CONTENT, whole(length=by)))
    with pytest.raises(DataError, match=f"offers {512_000 + by:,} bytes where the file has 512,000"):
        download.fetch(file, tmp_path, QUICK)
    assert len(server.asked) == 1


def test_a_length_that_is_too_short_never_becomes_a_file(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(length=-1000)), size=None)
    with pytest.raises(Damaged, match="sha256"):
        download.fetch(file, tmp_path, QUICK)
    assert left(tmp_path) == []


def test_a_body_without_a_length_is_cut_off_at_the_limit(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(length=False)), size=None, limit=100_000)
    with pytest.raises(DataError, match="more than the 100,000 bytes"):
        download.fetch(file, tmp_path, QUICK)
    assert (tmp_path / "food.bin.part").stat().st_size <= 100_000


def test_a_wrong_checksum_is_told_and_nothing_is_kept(server, tmp_path):
    file = published(server.put("/a", CONTENT, other(bytes(len(CONTENT)))))
    with pytest.raises(Damaged, match=r"Nothing was kept.*maintainers"):
        download.fetch(file, tmp_path, QUICK)
    assert left(tmp_path) == []


def test_a_wrong_checksum_at_one_address_leads_to_the_next(server, tmp_path):
    bad = server.put("/bad", CONTENT, other(bytes(len(CONTENT))))
    good = server.put("/good", CONTENT)
    assert download.fetch(published(bad, good), tmp_path, QUICK).read_bytes() == CONTENT
    assert json.loads((tmp_path / "food.bin.json").read_text())["address"] == good


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=200_000), whole(ranges=False)))
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[1].range == "bytes=200000-"


def test_a_server_that_always_dies_at_the_same_place_is_given_up(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=200_000, ranges=False)))
    with pytest.raises(DataError, match="broke off"):
        download.fetch(file, tmp_path, QUICK)
    assert len(server.asked) == QUICK.tries + 1


@pytest.mark.parametrize("checked", [True, False], ids=["server heeds If-Range", "server does not"])
def test_a_file_that_changes_between_two_tries_is_read_from_the_start(server, tmp_path, checked):
    address = server.put("/a", CONTENT, whole(tag='"new"', checked=checked))
    server.pages["/a"][1].insert(0, lambda handler, _: whole(tag='"old"', upto=200_000)(handler, bytes(len(CONTENT))))
    file = published(address, sha256=None, size=None)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT


def test_without_a_checksum_and_a_version_nothing_is_resumed(server, tmp_path):
    address = server.put("/a", CONTENT, whole(tag=None, upto=200_000), whole(tag=None))
    assert download.fetch(published(address, sha256=None, size=None), tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == [None, None]


def test_a_half_of_another_file_is_found_out_and_read_again(server, tmp_path):
    """What is resumed need not fit: the checksum tells, and one more try starts from zero."""
    file = published(server.put("/a", CONTENT))
    (tmp_path / "food.bin.part").write_bytes(b"soup" * 1000)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == ["bytes=4000-", None]


def test_a_half_that_is_longer_than_the_file_is_thrown_away(server, tmp_path):
    file = published(server.put("/a", CONTENT), size=None)
    (tmp_path / "food.bin.part").write_bytes(bytes(len(CONTENT) + 10))
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT


def test_a_half_that_is_whole_is_not_asked_for_again(server, tmp_path):
    file = published(server.put("/a", CONTENT))
    (tmp_path / "food.bin.part").write_bytes(CONTENT)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked == []


def test_chunks_without_a_length_are_read_and_a_broken_chunk_is_noticed(server, tmp_path):
    file = published(server.put("/a", CONTENT, chunked(100_000), chunked()), sha256=None, size=None)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_busy_server_is_asked_again_after_the_pause_it_wants(server, tmp_path):
    file = published(server.put("/a", CONTENT, status(503, Retry_After="0"), status(429), whole()))
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT


def test_a_missing_file_is_not_asked_for_again_but_at_the_next_address(server, tmp_path):
    gone, good = server.put("/gone", b"", status(404)), server.put("/good", CONTENT)
    assert download.fetch(published(gone, good), tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.path for asked in server.asked] == ["/gone", "/good"]
    with pytest.raises(DataError, match=r"/gone: it answered 404"):
        download.fetch(published(gone), tmp_path / "elsewhere", QUICK)


def test_a_redirect_is_followed_and_a_circle_of_them_is_told(server, tmp_path):
    first = server.put("/first", b"", status(302, Location="/a"))
    server.put("/a", CONTENT, whole(upto=200_000), whole())
    assert download.fetch(published(first), tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == [None, None, "bytes=200000-", "bytes=200000-"]
    circle = server.put("/circle", b"", status(302, Location="/circle"))
    with pytest.raises(DataError, match="cannot be followed"):
        download.fetch(published(circle), tmp_path / "elsewhere", QUICK)


def test_a_second_address_goes_on_where_the_first_broke_off(server, tmp_path):
    first = server.put("/first", CONTENT, whole(upto=200_000), status(404))
    second = server.put("/second", CONTENT, whole(tag='"2"'))
    assert download.fetch(published(first, second), tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[-1] == Asked("/second", "bytes=200000-", None)


def test_offline_is_a_sentence_that_says_what_to_do(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(Offline, match=r"127\.0\.0\.1 cannot be reached. Is this machine online\?.*plates\(\)"):
        download.fetch(published(f"http://127.0.0.1:{port}/a"), tmp_path, QUICK)


def test_a_proxy_that_is_set_and_not_there_is_named(tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://cook:secret@127.0.0.1:1")
    with pytest.raises(
        Offline, match=r"food\.example cannot be reached through the proxy http://127\.0\.0\.1:1\. Is this"
    ):
        download.fetch(published("http://food.example/a"), tmp_path, QUICK)


def test_a_proxy_is_used_where_one_is_set(server, tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    proxy = server.put("http://food.example/a", CONTENT).split("http://food")[0]
    monkeypatch.setenv("http_proxy", proxy)
    assert download.fetch(published("http://food.example/a"), tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[0].path == "http://food.example/a"


def test_a_connection_that_is_reset_is_tried_again(server, tmp_path):
    def reset(handler, _):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.close()

    file = published(server.put("/a", CONTENT, whole(upto=200_000), reset, whole()))
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == [None, "bytes=200000-", "bytes=200000-"]


def test_an_interrupt_keeps_what_came_and_the_next_call_goes_on(server, tmp_path, monkeypatch):
    file = published(server.put("/a", CONTENT, whole(pace=0.01), whole()))

    @contextlib.contextmanager
    def impatient(*_):
        def tick(done):
            if done >= 200_000:
                raise KeyboardInterrupt

        yield tick

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(progress, "bar", impatient)
        download.fetch(file, tmp_path, QUICK)
    came = (tmp_path / "food.bin.part").stat().st_size
    assert 200_000 <= came < len(CONTENT)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[-1].range == f"bytes={came}-"


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_a_certificate_that_is_not_trusted_is_told_and_one_that_the_system_trusts_is_taken(
    server, tmp_path, monkeypatch
):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext"]
    words += ["subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *words], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    file = published(server.put("/a", CONTENT).replace("http:", "https:"))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match=r"its certificate is not trusted \(self-signed certificate\)"):
        download.fetch(file, tmp_path / "cache", QUICK)
    monkeypatch.setenv(
        "SSL_CERT_FILE", str(certificate)
    )  # stands for what an administrator puts into the system's store
    assert download.fetch(file, tmp_path / "cache", QUICK).read_bytes() == CONTENT


def test_a_file_put_there_by_hand_is_taken_if_it_is_right(tmp_path):
    file = published("http://127.0.0.1:1/never")
    (tmp_path / "food.bin").write_bytes(CONTENT)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    (tmp_path / "food.bin").write_bytes(CONTENT[:-1])  # ours, by its receipt, and damaged: it is got again
    with pytest.raises(Offline):
        download.fetch(file, tmp_path, QUICK)


def test_a_file_put_there_by_hand_that_is_wrong_is_left_alone(tmp_path):
    (tmp_path / "food.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(Damaged, match="still being copied"):
        download.fetch(published("http://127.0.0.1:1/never"), tmp_path, QUICK)
    assert (tmp_path / "food.bin").exists()


def zipped(**members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_where_no_checksum_is_published_the_first_one_is_pinned(server, tmp_path):
    first, second = zipped(a=b"1"), zipped(a=b"2")
    address = server.put("/a", first)
    file = published(address, sha256=None, size=None, kind="zip")
    path = download.fetch(file, tmp_path, QUICK)
    noted = download.receipt(file, tmp_path)
    assert noted["checksum"] == "first download" and noted["sha256"] == hashlib.sha256(first).hexdigest()
    path.unlink()
    server.put("/a", second)
    with pytest.raises(Damaged, match="at the first download on this machine"):
        download.fetch(file, tmp_path, QUICK)
    server.put("/a", first)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == first


@pytest.mark.parametrize(
    "sent", [b"<html>Please sign in</html>", zipped(a=bytes(5000))[:-30]], ids=["a sign-in page", "half an archive"]
)
def test_what_is_no_archive_is_never_pinned(server, tmp_path, sent):
    file = published(server.put("/a", sent, whole(length=False)), sha256=None, size=None, kind="zip")
    with pytest.raises(Damaged, match=r"sign in|incomplete"):
        download.fetch(file, tmp_path, QUICK)
    assert left(tmp_path) == []


def test_an_archive_of_another_commit_is_refused(server, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a", b"")
        opened.comment = b"b" * 40
    file = published(server.put("/b", archive.getvalue()), sha256=None, size=None, commit="a" * 40, kind="zip")
    with pytest.raises(Damaged, match="holds the commit bbbbbbbb where aaaaaaaa was asked for"):
        download.fetch(file, tmp_path, QUICK)


def test_a_full_disk_is_told_before_a_byte_is_asked_for(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**9, 10**9 - 5_000_000, 5_000_000)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFull, match=r"21 MB are needed and 5\.0 MB are free.*INTRODL_CACHE"):
        download.fetch(published(server.put("/a", CONTENT)), tmp_path, QUICK)
    assert server.asked == []


def test_the_size_of_a_large_file_is_told_before_it_comes(server, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(progress, "say", lambda sentence: told.append((sentence, len(server.asked))))
    file = published(server.put("/a", CONTENT))
    download.fetch(file, tmp_path / "small", QUICK)
    monkeypatch.setattr(download, "_LARGE", len(CONTENT))
    download.fetch(file, tmp_path / "large", QUICK)
    assert told == [("food.bin has 512 kB. You may interrupt: the next call goes on from there.", 1)]


def test_a_disk_that_fills_up_on_the_way_is_told_and_what_came_is_kept(server, tmp_path):
    """The system itself refuses to write on: a limit on the size of files stands for the full disk."""
    script = """
        import resource, sys
        from introdl.data import download
        from introdl.data.errors import DiskFull
        from introdl.data.sources import PublishedFile
        from pathlib import Path
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            download.fetch(PublishedFile("food.bin", (sys.argv[1],), sys.argv[2]), Path(sys.argv[3]))
        except DiskFull as error:
            print(error)
    """
    file = published(server.put("/a", CONTENT))
    told = run(script, file.addresses[0], file.sha256, tmp_path)
    assert "is full, or your share of it" in told and "free" in told and "goes on from where it stopped" in told
    assert (tmp_path / "food.bin.part").stat().st_size == 100_000
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=100000-"


def test_a_folder_that_cannot_be_written_to_is_a_sentence(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match="cannot be written to.*INTRODL_CACHE"):
        download.fetch(published(server.put("/a", CONTENT)), tmp_path / "file" / "downloads", QUICK)


FETCH = """
    import sys
    from introdl.data import download
    from introdl.data.sources import PublishedFile
    from pathlib import Path
    path = download.fetch(PublishedFile("food.bin", (sys.argv[1],), sys.argv[2]), Path(sys.argv[3]))
    print(path.stat().st_size)
"""


def start(script, *words):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(script, *words):
    with start(script, *words) as process:
        out, problem = process.communicate(timeout=20)
    assert process.returncode == 0, problem
    return out


def test_of_two_processes_one_downloads_and_the_other_waits(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(pace=0.05)))
    both = [start(FETCH, file.addresses[0], file.sha256, tmp_path) for _ in range(2)]
    for process in both:
        out, problem = process.communicate(timeout=20)
        assert out.strip() == "512000", problem
    assert len(server.asked) == 1


def test_a_process_killed_half_way_leaves_a_half_that_the_next_one_goes_on_from(server, tmp_path):
    file = published(server.put("/a", CONTENT, whole(upto=300_000, then="stall"), whole()))
    process = start(FETCH, file.addresses[0], file.sha256, tmp_path)
    part = tmp_path / "food.bin.part"
    until = time.monotonic() + 15
    while (not part.exists() or part.stat().st_size < 300_000) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "food.bin").exists()
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert server.asked[-1].range == "bytes=300000-"


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    inside, most, told = 0, 0, []

    def work():
        nonlocal inside, most
        with locks.alone(tmp_path / "a.lock", lambda: told.append(1)):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and told


def test_where_the_file_system_cannot_lock_the_work_is_done_all_the_same(tmp_path, monkeypatch):
    def cannot(*_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.FileLock, "acquire", cannot)
    with locks.alone(tmp_path / "a.lock"):
        done = True
    assert done


def test_a_range_of_unknown_total_is_measured_by_its_length(server, tmp_path):
    def starred(handler, content):
        start = int(handler.headers["Range"][6:-1])
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/*")
        handler.send_header("Content-Length", str(len(content) - start))
        handler.send_header("ETag", '"1"')
        handler.end_headers()
        handler.wfile.write(content[start : start + 50_000])

    file = published(server.put("/a", CONTENT, whole(upto=100_000), starred, whole()), sha256=None, size=None)
    assert download.fetch(file, tmp_path, QUICK).read_bytes() == CONTENT
    assert [asked.range for asked in server.asked] == [None, "bytes=100000-", "bytes=150000-"]


SHOW = """
    import sys, time
    from introdl.data import progress
    progress.LONG = float(sys.argv[1])
    with progress.bar("Downloading soup", 2_000_000) as tick:
        for done in range(0, 2_000_001, 500_000):
            tick(done, "2 tries" if done >= 1_000_000 else "")
            time.sleep(0.2)
    progress.say("Done.")
"""


def test_a_bar_is_shown_in_a_terminal():
    own, other_end = os.openpty()
    command = [sys.executable, "-c", textwrap.dedent(SHOW), "5"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=other_end, text=True, env=os.environ | {"TERM": "xterm"}
    ) as process:
        os.close(other_end)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while block := os.read(own, 4096):
                shown += block
        assert process.communicate()[0] == "" and process.returncode == 0
    os.close(own)
    last = [line for line in shown.decode().split("\r") if "Downloading" in line][-1]
    assert re.search(r"^Downloading soup: 100%.*2\.0 MB of 2\.0 MB \[00:\d\d<00:00, [\d.]+ [kM]B/s\]", last), last
    assert b"2 tries" in shown and b"Done." in shown


@pytest.mark.parametrize(("long", "lines"), [(5.0, 0), (0.3, 2)], ids=["a quick job", "a long job"])
def test_in_a_pipe_a_long_job_is_two_lines_and_a_quick_one_none(long, lines):
    command = [sys.executable, "-c", textwrap.dedent(SHOW), str(long)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", lines), done.stderr
    if lines:
        first, last = done.stderr.splitlines()
        assert re.fullmatch(
            r"Downloading soup: 1\.0 MB of 2\.0 MB \[00:00, 00:00 left, [\d.]+ MB/s\], 2 tries", first
        ), first
        assert re.fullmatch(
            r"Downloading soup: 2\.0 MB of 2\.0 MB \[00:01, 00:00 left, [\d.]+ MB/s\], 2 tries", last
        ), last


@pytest.mark.parametrize("in_person", [True, False], ids=["a person works in it", "it is executed as a whole"])
def test_a_notebook_shows_a_bar_to_a_person_and_else_two_lines(capsys, monkeypatch, in_person):
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "_in_person", lambda: in_person)
    monkeypatch.setattr(progress, "LONG", 0.7)
    with progress.bar("Unpacking soup", 8, "pictures") as tick:
        for done in range(1, 9):
            time.sleep(0.2)
            tick(done)
    shown = capsys.readouterr()
    left = "<00:00" if in_person else ", 00:00 left"
    assert shown.err == "" and re.search(rf"8 of 8 \[00:0\d{left}, [\d.]+ pictures/s\]", shown.out), shown.out
    assert (shown.out.count("\r") > 3, shown.out.count("\n")) == ((True, 1) if in_person else (False, 2))
    with progress.bar("Unpacking soup", 3, "pictures") as tick:
        tick(3)
    assert capsys.readouterr().out == ""  # too short to tell of


def test_a_kernel_knows_whether_a_person_works_in_it():
    """In a kernel of its own: once as a front end asks, once as nbclient and papermill do."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        for asks in (True, False):
            code, wanted = "from introdl.data import progress", {"x": "progress.in_notebook(), progress._in_person()"}
            reply = client.execute(code, user_expressions=wanted, allow_stdin=asks, reply=True, timeout=120)
            assert reply["content"]["user_expressions"]["x"]["data"]["text/plain"] == str((True, asks))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_display_that_fails_costs_nothing_and_an_interrupt_passes(monkeypatch):
    def broken(*_):
        raise BrokenPipeError

    monkeypatch.setattr(progress, "_display", broken)
    with progress.bar("Downloading soup", 10) as tick:
        tick(3)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(progress, "_display", lambda *how: progress._Bar(*how, closed))
    with pytest.raises(KeyboardInterrupt), progress.bar("Downloading soup", 10) as tick:
        tick(20)
        tick(2)
        raise KeyboardInterrupt


def test_without_a_stderr_nothing_is_told_and_nothing_raised(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    progress.say("Soup.")
    progress.write("Soup.")
    with progress.bar("Downloading soup", 10) as tick:
        tick(10)


def test_a_line_beside_lines_is_printed_alone(capsys, monkeypatch):
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    with progress.bar("Training", 10, "steps") as tick:
        tick(1)
        progress.write("epoch 1 of 3")
    assert capsys.readouterr().err == "epoch 1 of 3\n"


def test_an_unencrypted_address_needs_a_checksum():
    with pytest.raises(transfer.Useless, match="unencrypted"):
        transfer._secure(published("http://example.org/a", sha256=None), "http://example.org/a")
    transfer._secure(published("http://example.org/a"), "http://example.org/a")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (4_996_278_331, "5.0 GB"), (12_345_678, "12 MB")]
)
def test_bytes_are_told_in_units(count, text):
    assert in_units(count) == text
