"""Every sentence of the library that a command may come to has its Korean: errors, their parts, and warnings."""

import ast
import re
from itertools import product
from pathlib import Path

import jindan
from jindan import spec
from jindan.cli import korean

HANGUL = re.compile("[가-힣]")
ROOT = Path(jindan.__file__).parent
ERRORS = {"InputError", "ShapeError", "FileError", "StateError", "TooLargeError", "JindanError", "BrokenImages"}
PARTS = ("where", "expected", "received", "help")
# What these are given stands in an error that they make.
HELPERS = {"_refuse", "_refused", "need_rank", "_no_matrix", "_mismatch", "_unreadable", "damaged", "_too_small",
           "_need_other", "refuse_other", "other_network", "_no_activation"}  # fmt: skip
# Modules that no command comes to: they are called from Python, where errors are English.
NOT_REACHED = (
    "callbacks/base", "callbacks/ready", "confusion", "utils", "errors", "data/contamination", "data/encoding",
    "data/hand_", "doctor/diagnosis", "doctor/overfit_few", "doctor/repairs_bench", "doctor/starting", "doctor/watch",
    "doctor/words", "engine/generate", "engine/program", "estimators/", "layers/functions", "layers/graph",
    "keras_style",
    "layers/reading", "layers/settled", "metric_state", "models/", "ops/", "report/plots", "report/studies", "select/",
)  # fmt: skip
# Of rooms of which most is not reached, what is: run folders and the search.
REACHED = (
    *(f"models/{name}" for name in ("estimator_files", "folders", "loading", "saving")),
    *(f"select/{name}" for name in ("samplers", "scoring", "searching", "spaces", "trials")),
)
SAME = ("inf", "sample", "neighbors")
CODE = re.compile(r"""\(.*\)|\[.*\]|\{.*\}|"[^"]*"|'[^']*'|`[^`]*`""")
WORD = re.compile(r"(?<![\w.=/-])[a-z]{2,}(?![\w.=(\[/-])")


def texts(node):
    """All texts that an expression may be, a 7 in the place of each value; [] for what is no text."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in product(*map(_inside, node.values))]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in texts(value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _inside(node.left), _inside(node.right)
        return [a + b for a, b in product(left, right)] if {*left, *right} - {"7"} else []
    return []


def _inside(node):
    """What a part of a text may be."""
    if isinstance(node, ast.FormattedValue):
        return _inside(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        repeated = [*texts(node.left), *texts(node.right)]
        return ["", *repeated] if repeated else ["7"]
    if isinstance(node, ast.IfExp):
        return [*_inside(node.body), *_inside(node.orelse)]
    return texts(node) or ["7"]


def reached():
    """(module, its tree)."""
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        if name.startswith(REACHED) or not name.startswith(NOT_REACHED):
            yield name, ast.parse(path.read_text("utf-8"))


def sentences():
    """(module, part of an error or "warning", text)."""
    for module, tree in reached():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).split(".")[-1]
            given = [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg in PARTS]
            if name in ERRORS:
                given += [("what", argument) for argument in node.args]
            elif name in HELPERS:
                given += [("expected", argument) for argument in node.args]
            elif name == "warn":
                given = [("warning", node.args[0])]
            elif name not in ("UnknownNameError", "BadParameter"):
                continue
            yield from ((module, part, text) for part, value in given for text in texts(value))


def translated(part, text):
    tables = ("places",) if part == "where" else ("sentences", "reasons")
    return any(HANGUL.search(str(korean._by_entry(text, table))) for table in tables)


def in_both(part, text):
    """Whether a text is the same in both languages: code, names and numbers."""
    words = WORD.findall(CODE.sub("", text))
    return text in SAME or text.startswith(("jindan ", "--")) or len(words) < (2 if part == "where" else 1)


def test_every_sentence_that_a_command_comes_to_has_its_korean():
    found = list(dict.fromkeys(sentences()))
    assert len(found) > 700
    missing = [f"{module} {part}: {text}" for module, part, text in found
               if not in_both(part, text) and not translated(part, text)]  # fmt: skip
    assert missing == [], "entries for jindan/cli/korean"


def test_every_kind_of_name_has_its_korean():
    kinds = {
        text
        for _, tree in reached()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "UnknownNameError"
        for text in texts(node.args[0])
    }
    assert len(kinds) > 10
    for kind in kinds:
        said = korean.translated(f"There is no {kind} called 'x'.")
        assert not re.search("[a-z]{2}", said), said
    for kind in (*spec._CLASSES, *spec._FUNCTIONS):
        assert HANGUL.search(korean.KINDS[kind]), kind
