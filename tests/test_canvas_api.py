"""Canvas's API, against a server of the test's own on this machine: what is sent, what is not sent again, what is refused."""

import json
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from autograder.errors import ClassroomError
from autograder.platforms import canvas_api, rosters

pytest.importorskip("canvasapi", reason="canvasapi is not installed: pip install canvasapi")
PER_PAGE = 2


class Canvas(ThreadingHTTPServer):
    """As much of Canvas as is asked: a course, an assignment, its submissions page by page, grades and comments' files."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scores: dict[int, float | None] = {101: None, 102: 7.0, 103: 3.0}
        self.files: dict[int, list[str]] = {}
        self.puts: list[tuple[int, str]] = []
        self.fail_after = 10**6
        self.deducts = 0.0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/courses/5/assignments/9"


class _Handler(BaseHTTPRequestHandler):
    server: Canvas

    def log_message(self, *_):
        pass

    def _answer(self, body, status=200, **headers):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _known(self):
        if self.headers.get("Authorization") == "Bearer secret":
            return True
        self._answer({"errors": [{"message": "Invalid access token."}]}, 401, **{"WWW-Authenticate": "Bearer"})
        return False

    def _submission(self, user):
        score = self.server.scores[user]
        files = [{"display_name": name, "filename": name} for name in self.server.files.get(user, [])]
        at = "2026-12-01T22:30:00Z" if user == 101 else None
        return {"id": user, "user_id": user, "assignment_id": 9, "entered_score": score, "submitted_at": at,
                "points_deducted": self.server.deducts or None, "submission_comments": [{"attachments": files}]}  # fmt: skip

    def do_GET(self):
        parts = urlsplit(self.path)
        if not self._known():
            return
        if parts.path == "/api/v1/courses/5":
            self._answer({"id": 5, "name": "Deep Learning"})
        elif parts.path == "/api/v1/courses/5/assignments/9":
            self._answer({"id": 9, "course_id": 5, "name": "Homework 3"})
        elif parts.path == "/api/v1/courses/5/assignments/9/submissions":
            page = int(parse_qs(parts.query).get("page", ["1"])[0])
            users = sorted(self.server.scores)
            chosen, more = users[PER_PAGE * (page - 1) :][:PER_PAGE], len(users) > PER_PAGE * page
            link = f'<http://127.0.0.1:{self.server.server_port}{parts.path}?page={page + 1}>; rel="next"'
            self._answer([self._submission(user) for user in chosen], **({"Link": link} if more else {}))
        else:
            self._answer({"errors": []}, 404)

    def do_PUT(self):
        body = parse_qs(self._body().decode())
        if not self._known():
            return
        user = int(self.path.rsplit("/", 1)[1])
        if len(self.server.puts) >= self.server.fail_after:
            self._answer({"errors": []}, 500)
            return
        if grade := body.get("submission[posted_grade]"):
            self.server.puts.append((user, grade[0]))
            self.server.scores[user] = float(grade[0])
        self._answer(self._submission(user))

    def do_POST(self):
        content = self._body()
        if match := re.search(r"/submissions/(\d+)/comments/files", self.path):
            if self._known():
                url = f"http://127.0.0.1:{self.server.server_port}/upload/{match[1]}"
                self._answer({"upload_url": url, "upload_params": {"key": "1"}})
        else:
            assert "Authorization" not in self.headers, "the token goes to Canvas's API alone"
            name = re.search(rb'filename="([^"]+)"', content)[1].decode()
            self.server.files.setdefault(int(self.path.rsplit("/", 1)[1]), []).append(name)
            self._answer({"id": 1, "url": "x"})


@pytest.fixture
def canvas(monkeypatch):
    monkeypatch.setenv(canvas_api.TOKEN, "secret")
    server = Canvas()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def roster():
    people = {
        name: rosters.Person(name, {"ID": str(id)})
        for name, id in (("ada", 101), ("grace", 102), ("li", 103), ("new", 104))
    }
    return rosters.Roster("canvas", ["ID"], people=people)


def states(results):
    return {one.student: one.state for one in results}


def test_what_differs_is_sent_and_the_rest_is_not(canvas, roster):
    grades = {"ada": 8.5, "grace": 7.0, "li": 10 / 3, "new": 1.0, "nobody": 2.0}
    results = canvas_api.Assignment(canvas.address).send(roster, grades, {})
    assert states(results) == {
        "ada": canvas_api.SENT, "grace": canvas_api.SAME, "li": canvas_api.SENT,
        "new": canvas_api.FAILED, "nobody": canvas_api.FAILED,
    }  # fmt: skip
    assert canvas.puts == [(101, "8.5"), (103, "3.33333")]
    assert (
        canvas_api.Assignment(canvas.address).send(roster, {"ada": 8.5, "li": 10 / 3}, {})[1].state == canvas_api.SAME
    )
    assert len(canvas.puts) == 2


def test_a_run_that_broke_off_goes_on(canvas, roster):
    canvas.fail_after = 1
    grades = {"ada": 8.0, "grace": 9.0, "li": 10.0}
    results = canvas_api.Assignment(canvas.address).send(roster, grades, {})
    assert states(results) == {"ada": canvas_api.SENT, "grace": canvas_api.FAILED, "li": canvas_api.FAILED}
    assert "status code 500" in results[1].note
    canvas.fail_after = 10
    results = canvas_api.Assignment(canvas.address).send(roster, grades, {})
    assert states(results) == {"ada": canvas_api.SAME, "grace": canvas_api.SENT, "li": canvas_api.SENT}
    assert [user for user, _ in canvas.puts] == [101, 102, 103]


def test_a_dry_run_sends_nothing(canvas, roster, tmp_path):
    (tmp_path / "page.html").write_text("x")
    results = canvas_api.Assignment(canvas.address).send(
        roster, {"ada": 1.0}, {"ada": tmp_path / "page.html"}, dry_run=True
    )
    assert states(results) == {"ada": canvas_api.SENT} and not canvas.puts and not canvas.files


def test_pages_become_files_of_comments_once(canvas, roster, tmp_path):
    page = tmp_path / "03_convolution.html"
    page.write_text("page")
    for _ in range(2):
        results = canvas_api.Assignment(canvas.address).send(roster, {"ada": 8.0}, {"ada": page})
        assert results[0].note == ""
    assert canvas.files == {101: ["03_convolution.html"]}


def test_canvas_own_late_policy_is_said(canvas, roster):
    canvas.deducts = 1.5
    assert "takes off 1.5 more" in canvas_api.Assignment(canvas.address).send(roster, {"ada": 8.0}, {})[0].note


def test_times_come_with_a_zone(canvas, roster):
    assert canvas_api.Assignment(canvas.address).times(roster) == {"ada": datetime(2026, 12, 1, 22, 30, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("canvas.example.edu/courses/1/assignments/2", "is not the address"),
        ("https://canvas.example.edu/courses/1", "is not the address"),
        ("http://canvas.example.edu/courses/1/assignments/2", "Use https"),
        ("http://127.0.0.1.example.edu/courses/1/assignments/2", "Use https"),
        ("http://127.0.0.1:1/courses/1/assignments/2", "does not answer"),
    ],
)
def test_an_address_that_will_not_do_is_said(canvas, address, said):
    with pytest.raises(ClassroomError, match=said):
        canvas_api.Assignment(address)


def test_a_token_that_is_missing_or_wrong_is_said(canvas, monkeypatch):
    monkeypatch.setenv(canvas_api.TOKEN, "other")
    with pytest.raises(ClassroomError, match=r"refuses .* token's rights"):
        canvas_api.Assignment(canvas.address)
    monkeypatch.delenv(canvas_api.TOKEN)
    with pytest.raises(ClassroomError, match="environment variable CANVAS_TOKEN"):
        canvas_api.Assignment(canvas.address)
