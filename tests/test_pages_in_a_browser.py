"""A hostile submission in a real browser: on its feedback, in a running formgrader, and opened in JupyterLab."""

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder import grading
from tests import classwork, hostile_pages
from tests import small_class as small

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="The driver of browsers is not installed: pip install 'introdl[browser]'"
)

#: A student's folder may have any name, where a learning platform's download made it.
NAMED = "eve <img src=x onerror=top.ran=7>"


def hostile_cells():
    """A cell for each payload, and for each kind of output."""
    cells = [nbformat.v4.new_markdown_cell(source) for source in hostile_pages.MARKDOWN.values()]
    cells += [nbformat.v4.new_raw_cell(hostile_pages.MARKDOWN["script"], metadata={"raw_mimetype": "text/html"})]
    for number, data in enumerate(hostile_pages.OUTPUTS.values()):
        output = nbformat.from_dict({"output_type": "display_data", "data": data, "metadata": {"isolated": False}})
        trusted = {"trusted": True, "jupyter": {"outputs_hidden": False}}
        cells.append(nbformat.v4.new_code_cell(f"{number}", outputs=[output], metadata=trusted))
    script = hostile_pages.MARKDOWN["onerror"]
    told = {
        "output_type": "error",
        "ename": script,
        "evalue": f"\x1b[31m{script}",
        "traceback": [script, f"\x1b]8;;{script}"],
    }
    cells.append(nbformat.v4.new_code_cell("", outputs=[nbformat.from_dict(told)]))
    printed = {"output_type": "stream", "name": "stdout", "text": f"{script}\x1b[31;4{script}m\x1b[0m"}
    cells.append(nbformat.v4.new_code_cell("", outputs=[nbformat.from_dict(printed)]))
    return cells


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A class with a submission of every payload, and one whose graded notebook is older than our cleaning."""
    one = small.make(tmp_path_factory.mktemp("browser") / "class")
    for student in ("bert", "dora", NAMED):
        notebook = classwork.released(one, small.NAME)
        if student != "dora":
            classwork.cell_of(notebook, "03-essay").source = (
                "My answer. " + hostile_pages.MARKDOWN["script that reads the seed"]
            )
            notebook.cells += hostile_cells()
            notebook.cells.append(
                nbformat.v4.new_code_cell(
                    "from IPython.display import HTML, Javascript, SVG, display\n"
                    f"display(HTML({hostile_pages.OUTPUTS['HTML']['text/html']!r}))\n"
                    f"display(Javascript({hostile_pages.RUN!r}))\n"
                    f"display(SVG({hostile_pages.OUTPUTS['svg']['image/svg+xml']!r}))\n"
                    f"print({hostile_pages.MARKDOWN['onerror']!r})\n"
                    f"raise type({hostile_pages.MARKDOWN['onerror']!r}, (Exception,), {{}})({hostile_pages.MARKDOWN['script']!r})"
                )
            )
        classwork.hand_in(one, student, small.NAME, nbformat.writes(notebook))
        (one.root / "submitted" / student / small.NAME / "evil.html").write_text(
            f"<script>{hostile_pages.RUN}</script><script>{hostile_pages.READ}</script>"
        )
    results = grading.grade(one, small.NAME, only=[], count=1)
    assert {result.state for result in results} == {"graded"}, results
    path = one.root / "autograded" / "dora" / small.NAME / f"{small.NAME}.ipynb"
    older = nbformat.read(path, as_version=4)
    classwork.cell_of(older, "03-essay").source = "My answer. " + hostile_pages.MARKDOWN["onerror"]
    older.cells += hostile_cells()
    path.chmod(0o644)
    path.write_text(nbformat.writes(older))
    grading.feedback(one, small.NAME, [], count=1)
    return one


@pytest.fixture(scope="module")
def browser():
    """A Chromium that is installed on this machine."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("There is no Chromium here: apt-get install chromium")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--disable-gpu", "--disable-dev-shm-usage"])
        yield started
        started.close()


@contextmanager
def seen(browser, **settings):
    """A page, and the list of what it asks for; nothing but this machine answers."""
    context = browser.new_context(**settings)
    context.set_default_timeout(30_000)
    asked = []

    def answer(route):  # what a policy forbids does not come here
        asked.append((route.request.method, route.request.url))
        local = re.match(r"file:|data:|about:|blob:|http://127\.0\.0\.1:", route.request.url)
        route.continue_() if local else route.abort()

    context.route("**/*", answer)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    try:
        yield page, asked
    finally:
        context.close()


PRESS = """() => {
    const pages = [...document.querySelectorAll('iframe')].map(frame => frame.contentDocument).filter(one => one);
    for (const page of [document, ...pages])
        for (const link of page.querySelectorAll('a'))
            if (/press/.test(link.textContent) && !/^https?:/.test(link.getAttribute('href') || '')) link.click();
}"""


def settle(page):
    """Wait until pictures are loaded or have failed, and what a page does at once is done."""
    for _ in range(100):
        if page.evaluate("[...document.images].every(one => one.complete)"):
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)


def ran(page):
    """What ran, on a page after each of its links was pressed."""
    settle(page)
    page.evaluate(PRESS)
    settle(page)
    return page.evaluate("top.ran || []")


def in_frames(page, texts):
    """Open each text as a page of its own in a frame, press its links, and return what ran in all of them."""
    frames = "".join(f'<iframe srcdoc="{html.escape(text)}"></iframe>' for text in texts)
    page.set_content(f"<!DOCTYPE html><body>{frames}")
    page.evaluate(PRESS)
    page.wait_for_timeout(300)
    return page.evaluate("top.ran || []")


def test_a_browser_runs_these_payloads_where_nobody_cleans_them(browser):
    """What the tests below rest on: they would see it."""
    reader = MarkdownWithMath(renderer=IPythonRenderer(escape=False))
    pages = [reader.render(one.replace("attachment:a.png", "x")) for one in hostile_pages.MARKDOWN.values()]
    with seen(browser) as (page, asked):
        assert len(in_frames(page, pages)) > 30
        assert len({url for _, url in asked if "elsewhere" in url}) > 5
    assert len(hostile_pages.MARKDOWN) + len(hostile_pages.OUTPUTS) > 90


@pytest.mark.parametrize("student", ["bert", "dora"])
def test_nothing_runs_on_a_feedback_page_and_nothing_is_asked_for(browser, room, student):
    path = room.root / "feedback" / student / small.NAME / f"{small.NAME}.html"
    with seen(browser, viewport={"width": 400, "height": 800}) as (page, asked):
        page.goto(path.as_uri())
        assert ran(page) == []
        assert [url for _, url in asked if not url.startswith("data:")] == [path.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, "nothing makes a telephone scroll sideways"
        assert "My answer." in page.inner_text("main") and "<" in page.inner_text("main")
        assert page.evaluate("getComputedStyle(document.body).display") != "none"


def test_the_policy_of_a_feedback_page_holds_where_the_cleaning_would_miss_something(browser, room):
    """The second wall alone: the payloads as they came, on a page with its head. No policy forbids to go elsewhere."""
    text = (room.root / "feedback" / "dora" / small.NAME / f"{small.NAME}.html").read_text()
    head = text[: text.index('<main id="top">')]
    raw = [head + one for name, one in hostile_pages.MARKDOWN.items() if not name.startswith(("meta", "link to"))]
    with seen(browser) as (page, asked):
        assert in_frames(page, raw) == []
        assert not [url for _, url in asked if "elsewhere" in url]


# --- formgrader and JupyterLab --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The environment of somebody who uses Jupyter for the first time."""
    folder = tmp_path_factory.mktemp("server")
    given = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG"))}
    return given | {"HOME": str(folder)}


@pytest.fixture(scope="module")
def server(room, home):
    """The address of a Jupyter server in the classroom, as "jupyter lab" starts one there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ip=127.0.0.1",
    ]
    command += ["--ServerApp.token=", "--ServerApp.password=", "--ServerApp.port_retries=0"]
    written = Path(home["HOME"], "log.txt")
    log = written.open("w+")
    started = subprocess.Popen(
        command,
        cwd=room.root,
        env=home,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert started.poll() is None, written.read_text()[-2000:]
            try:
                urllib.request.urlopen(f"{address}/formgrader/", timeout=30).close()
                break
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.1)
        else:
            pytest.fail(written.read_text()[-2000:])
        yield address
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
        log.close()


def notebook_id(room, student):
    with room.gradebook() as book:
        return book.find_submission_notebook(small.NAME, small.NAME, student).id


def nothing_happened(room, server, asked):
    """Nothing was asked of another machine, the seed was not read, nothing was written but by formgrader itself."""
    for method, url in asked:
        assert url.startswith((server, "data:", "blob:", "about:")), url
        assert (
            "classroom.toml" not in url and "ran.txt" not in url and "logout" not in url and not url.endswith("/x")
        ), url
        assert method in ("GET", "HEAD") or "/formgrader/api/" in url, (method, url)
    assert not (room.root / "ran.txt").exists()


@pytest.mark.parametrize("student", ["bert", "dora", NAMED])
def test_nothing_runs_on_formgraders_page_of_a_submission(browser, room, server, student):
    with seen(browser) as (page, asked):
        page.goto(f"{server}/formgrader/submissions/{notebook_id(room, student)}/?index=0")
        page.wait_for_selector("input.score")
        assert ran(page) == []
        nothing_happened(room, server, asked)
        assert "My answer." in page.inner_text("#notebook-container")
        assert page.locator("meta[http-equiv='Content-Security-Policy']").count() == 1


def test_a_person_can_grade_by_hand_on_that_page(browser, room, server):
    """nbgrader's own scripts run, and what is typed comes into the gradebook."""
    with seen(browser) as (page, _):
        page.goto(f"{server}/formgrader/submissions/{notebook_id(room, 'bert')}/?index=0", wait_until="networkidle")
        field, comment = page.locator("[id='03-essay']"), page.locator("[id='03-essay-comment']")
        with page.expect_response(
            lambda one: "/formgrader/api/grade/" in one.url and one.request.method == "PUT"
        ) as answer:
            field.fill("7")
            field.press("Tab")
        assert answer.value.ok, answer.value.text()
        with page.expect_response(lambda one: "/formgrader/api/comment/" in one.url and one.request.method == "PUT"):
            comment.fill("Good <b>work</b>")
            comment.press("Tab")
    with room.gradebook() as book:
        assert book.find_grade("03-essay", small.NAME, small.NAME, "bert").manual_score == 7
        assert book.find_comment("03-essay", small.NAME, small.NAME, "bert").comment == "Good <b>work</b>"


def test_nothing_runs_on_formgraders_other_pages(browser, room, server):
    """Its lists have students' names, and its addresses and files are what a hostile page would lead to."""
    script = html.escape(hostile_pages.MARKDOWN["onerror"])
    with seen(browser) as (page, asked):
        for place in (
            f"manage_submissions/{small.NAME}",
            f"gradebook/{small.NAME}/{small.NAME}",
            "manage_students",
            f"manage_students/{urllib.request.quote(NAMED)}",
            f"manage_students/{urllib.request.quote(NAMED)}/{small.NAME}",
            f"manage_students/{urllib.request.quote(hostile_pages.MARKDOWN['onerror'], safe='')}",
            f"manage_submissions/{urllib.request.quote(script, safe='')}",
            f"submissions/{notebook_id(room, 'bert')}/evil.html",
        ):
            page.goto(f"{server}/formgrader/{place}", wait_until="networkidle")
            assert ran(page) == [], place
            nothing_happened(room, server, asked)


def test_nothing_runs_in_jupyterlab_where_a_graded_notebook_is_opened_and_trusted(browser, room, server, home):
    path = room.root / "autograded" / "bert" / small.NAME / f"{small.NAME}.ipynb"
    subprocess.run([sys.executable, "-m", "jupyter", "trust", str(path)], check=True, env=home)
    with seen(browser) as (page, asked):
        page.goto(f"{server}/lab/tree/autograded/bert/{small.NAME}/{small.NAME}.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-MarkdownOutput", timeout=60_000)
        page.wait_for_timeout(1000)
        assert page.evaluate("top.ran || []") == []
        assert not [url for _, url in asked if "elsewhere" in url or "classroom.toml" in url or "ran.txt" in url]


def test_a_graded_notebook_holds_nothing_that_a_trusting_reader_would_run(room):
    """JupyterLab runs what it trusts: scripts in HTML, JavaScript, SVG, widgets. None of it is in the file."""
    path = room.root / "autograded" / "bert" / small.NAME / f"{small.NAME}.ipynb"
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        assert "trusted" not in cell.metadata
        for output in cell.get("outputs", []):
            kinds = set(output.get("data", {}))
            assert kinds <= {
                "text/plain",
                "text/html",
                "image/png",
                "image/jpeg",
                "application/vnd.introdl.verdict+json",
            }
            assert not re.search(
                r"<\s*(script|img[^>]*onerror|iframe|svg)", json.dumps(output.get("data", {}).get("text/html", ""))
            )
