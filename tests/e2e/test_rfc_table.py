"""rfc9110_9112.md and rfc9113.md tell the truth: each clause has tests that exist, or a reason, and no test of the RFC files stands outside."""
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = [os.path.join(HERE, name) for name in ("rfc9110_9112.md", "rfc9113.md")]
OWN = ("test_rfc9110", "test_rfc9112")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$")
SECTION = re.compile(r"\d{1,2}(\.\d{1,2})*|[A-C](\.\d)+")
NAME = re.compile(r"`(test_\w+::test_\w+(?:\[[^`]*\])?)`")
REASON = re.compile(r"\b(n/a|proxy): \w")


def words():
    texts = []
    for table in TABLES:
        with open(table) as file:
            texts.append(file.read())
    return "\n".join(texts)


def rows():
    """(document, section, requirement, proof) of each row."""
    found, document = [], None
    for line in words().splitlines():
        heading = re.match(r"## RFC (\d+)$", line)
        document = heading.group(1) if heading else document
        if document and line.startswith("|") and not line.startswith(("|--", "| § ")):
            match = ROW.match(line.rstrip("\n"))
            assert match, f"not a row of three cells: {line}"
            found.append((document, *match.groups()))
    return found


ROWS = rows()


def named():
    return [name for row in ROWS for name in NAME.findall(row[3])]


@pytest.fixture(scope="module")
def collected():
    """All tests of the files that are named, as pytest sees them: file::function[case]."""
    files = sorted({name.split("::")[0] for name in named()} | set(OWN))
    ask = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *(f + ".py" for f in files)]
    done = subprocess.run(ask, cwd=HERE, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    return [os.path.basename(test.split("::", 1)[0])[:-3] + "::" + test.split("::", 1)[1] for test in tests]


@pytest.mark.parametrize("document, least", [("9110", 50), ("9112", 50), ("9113", 40)])
def test_sections_are_sections_in_order(document, least):
    sections = [row[1] for row in ROWS if row[0] == document]
    assert len(sections) > least
    assert not [s for s in sections if not SECTION.fullmatch(s)]
    keys = [[(not p.isdigit(), int(p) if p.isdigit() else ord(p)) for p in s.split(".")] for s in sections]
    assert keys == sorted(keys)


def test_each_clause_has_a_test_or_a_reason():
    assert [row for row in ROWS if not NAME.search(row[3]) and not REASON.match(row[3])] == []


def test_no_clause_stands_twice():
    assert len({row[:3] for row in ROWS}) == len(ROWS)


def test_no_clause_names_a_test_twice():
    assert [row for row in ROWS if len(NAME.findall(row[3])) != len(set(NAME.findall(row[3])))] == []


def test_what_looks_like_a_test_is_one(collected):
    """Nothing in backquotes with a test's name is spelled in another way; each name means one function, and each case is there."""
    text = words()
    files = sum(text.count(f"`{file}.py`") for file in (*OWN, "test_rfc_table"))
    assert text.count("`test_") == len(NAME.findall(text)) + files
    functions = {test.split("[")[0] for test in collected}
    assert len(collected) == len(set(collected))
    missing = [name for name in NAME.findall(text) if name not in collected and name not in functions]
    assert missing == []


def test_no_test_of_the_letter_is_missing(collected):
    names = set(NAME.findall(words()))
    own = [test for test in collected if test.split("::")[0] in OWN]
    assert len(own) > 100
    assert [test for test in own if test not in names and test.split("[")[0] not in names] == []
