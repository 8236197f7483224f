"""The house: imports run one way and fast, and each room holds what it should."""

import ast
import graphlib
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

TOP = {
    "pyproject.toml", "constraints.txt", "Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", ".gitignore",
    ".pre-commit-config.yaml", ".binder", ".ci", ".devcontainer", ".github",
    "course", "solutions", "autograder", "data", "tests",
}  # fmt: skip


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def test_the_top_level_holds_nothing_else():
    assert {name.split("/")[0] for name in tracked()} <= TOP


@pytest.mark.parametrize("folder", ["course/introdl", "solutions", "data"])
def test_nothing_imports_the_autograder_but_itself_and_tests(folder):
    for path in (ROOT / folder).rglob("*.py"):
        names = set(imported(path))
        assert not names & {"autograder", "tests", "nbgrader"}, path
        if folder == "data":
            assert "introdl" not in names, path


def test_imports_run_as_pyproject_says():
    """Its contracts: which package may lean on which, and which of its modules on which."""
    cli = pytest.importorskip("importlinter.cli", reason="import-linter is not installed")
    assert cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("package", ["introdl", "autograder"])
def test_no_modules_import_each_other(package):
    """In a circle of modules nobody can say which is read first. An import inside a function counts as well."""
    grimp = pytest.importorskip("grimp", reason="import-linter is not installed")
    graph = grimp.build_graph(package, cache_dir=None)
    uses = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    if package == "autograder":
        uses["autograder.classroom"] -= {"autograder.nbgrader_plugin"}  # for classrooms that were made earlier
    try:
        graphlib.TopologicalSorter(uses).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_types_are_right():
    pytest.importorskip("mypy", reason="mypy is not installed")
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_an_installed_copy_has_every_package():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    for top, folder in (("introdl", ROOT / "course" / "introdl"), ("autograder", ROOT / "autograder")):
        for marker in folder.rglob("__init__.py"):
            name = ".".join((top, *marker.parent.relative_to(folder).parts))
            assert name in listed, f"pyproject.toml does not list the package {name}"


def test_an_installed_copy_has_every_template():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    templates = [name for name in tracked() if name.endswith(".j2")]
    assert templates
    for name in templates:
        package, _, rest = name.removeprefix("course/").partition("/templates/")
        patterns = data.get(package.replace("/", "."), [])
        assert any(fnmatch(f"templates/{rest}", pattern) for pattern in patterns), f"no package-data names {name}"


def test_no_module_is_called_utils():
    assert not [name for name in tracked() if Path(name).stem in ("utils", "util", "helpers", "misc", "common")]


def test_no_module_of_exercises_defines_a_function_twice():
    """The second would take the first one's place in known mistakes that call it late."""
    for path in sorted((ROOT / "autograder" / "exercises").glob("*.py")):
        names = [
            node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
        ]
        assert len(names) == len(set(names)), (path.name, [name for name in names if names.count(name) > 1])


def modules_after(statement):
    code = f"import sys; {statement}; print(','.join(m for m in ('torch', 'matplotlib', 'numpy', 'IPython') if m in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_introdl_loads_nothing_heavy():
    assert modules_after("import introdl") == ""
    assert "torch" not in modules_after("from introdl import check, hint, progress, data, figures")
    assert "matplotlib" not in modules_after("from introdl import check, hint, progress, data, figures")


def test_importing_introdl_takes_under_100_ms():
    """The least of several tries, against the bare interpreter's, so that a slow day does not count."""
    code = "import time; begun = time.perf_counter(); import introdl; print(time.perf_counter() - begun)"
    tries = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(5)
    ]
    assert min(tries) < 0.1


def test_the_course_alone_is_enough_to_learn(tmp_path):
    """A student who has course/ and data/ and no install of ours can import and check."""
    import shutil

    for room in ("course", "data"):
        shutil.copytree(
            ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    code = (
        "import sys; sys.path.insert(0, '.'); import introdl; assert introdl.__file__.startswith(sys.argv[1]);"
        "from introdl import check, data; check('03.output_size', lambda n, k, s=1, p=0: (n + 2 * p - k) // s + 1);"
        "assert data.doughnut().shape == (256, 256, 3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=tmp_path / "course", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "✓ Right" in done.stdout


def test_every_public_function_has_a_docstring():
    missing = []
    for folder in ("course/introdl", "autograder"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            if not ast.get_docstring(tree):
                missing.append(str(path))
            if "exercises" in path.parts and path.stem != "__init__":
                continue
            for node in tree.body:
                public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
                if public and not ast.get_docstring(node):
                    missing.append(f"{path}:{node.name}")
    assert missing == []


def test_ruff_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_readme_names_the_commands_there_are():
    text = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in ("lab", "test", "build", "execute", "help"):
        assert f"\n{target}:" in makefile
    assert "make lab" in text.split("## ")[0] and "make test" in text.split("## ")[0]
    assert "make test" in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize(
    "stub", sorted((ROOT / "course" / "introdl").rglob("*.pyi")), ids=lambda path: path.parent.name
)
def test_every_name_that_a_package_promises_is_there(stub):
    """Editors read the stub, and so does lazy_loader: a name that its module lost would only be missed when it is used."""
    package = ".".join(stub.parent.relative_to(ROOT / "course").parts)
    code = (
        f"import {package} as it; assert it.__doc__; [getattr(it, name) for name in it.__all__]; print(len(it.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and int(done.stdout) >= 8, done.stderr


def test_coverage_leaves_out_copies_of_the_course_and_nothing_else():
    pytest.importorskip("coverage", reason="coverage is not installed")
    from coverage import Coverage, files

    patterns = Coverage(config_file=str(ROOT / "pyproject.toml")).get_option("report:omit")
    left_out = files.GlobMatcher(files.prep_patterns(patterns))
    sources = [path for package in ("course/introdl", "autograder") for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in sources if left_out.match(str(path))]
    assert left_out.match("/tmp/pytest-of-me/pytest-1/test_x0/course/introdl/data/cache.py")
