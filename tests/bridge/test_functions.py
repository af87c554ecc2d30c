"""Python functions in Pig, with strings that Pig's own streaming takes for fields and ends."""

import pytest

HOSTILE = ["plain", "|,_b|", "|\\t_", "a\\u0001b", "(1,2)", "{(x)}", "å𝄞", ""]


@pytest.fixture
def script(tmp_path):
    (tmp_path / "my.py").write_text("# what the fake knows\n")
    rows = tmp_path / "rows.csv"
    rows.write_text("".join(f"{text}\x02{i}\n" for i, text in enumerate(HOSTILE)) + "\x02\n")

    def make(body):
        return f"""REGISTER '{tmp_path}/my.py' USING packetpig.bridge.Python AS my;
            a = LOAD '{rows}' USING PigStorage('\\u0002') AS (s:chararray, n:int); {body}"""

    return make


def test_hostile_strings_come_back_whole(pig, script):
    run = pig(
        script(
            "b = FOREACH a GENERATE n, my.same(s) AS t, s; c = FILTER b BY t == s; d = FOREACH c GENERATE n; DUMP d;"
        )
    )
    assert run.rows == [f"({i})" for i in range(len(HOSTILE) - 1)], run.errors  # the empty ones are null in PigStorage


def test_types_and_schema(pig, script):
    run = pig(
        script("""f = FILTER a BY n == 1;
        b = FOREACH f GENERATE my.same(s) AS s, my.tuple((s, n)) AS t, my.map(TOMAP(s, n)) AS m, my.same(null) AS z;
        DESCRIBE b; DUMP b; c = FOREACH (GROUP f ALL) GENERATE my.bag(f.(s, n)) AS g, my.count(f) AS k; DUMP c;""")
    )
    assert run.rows == [
        "b: {s: chararray,t: (a: chararray,b: int),m: map[],z: chararray}",
        "(|,_b|,(|,_b|,1),[|,_b|#1],)",
        "({(|,_b|,1)},1)",
    ], run.errors


def test_answers_of_pure_functions_are_remembered(pig, script):
    run = pig(script("b = FOREACH a GENERATE my.calls('x'); DUMP b;"))
    assert set(run.rows) == {"(1)"}, run.errors


def test_an_exception_names_the_function(pig, script):
    run = pig(script("b = FOREACH a GENERATE my.fails(s); DUMP b;"))
    assert run.code != 0
    assert "Python function my.py:fails: cannot do that" in run.errors


def test_a_process_that_dies(pig, script):
    run = pig(script("b = FOREACH a GENERATE my.dies(s); DUMP b;"))
    assert run.code != 0
    assert "Python function my.py:dies: its process died (exit status 7): famous last words" in run.errors


def test_a_function_that_is_not_there(pig, tmp_path):
    run = pig(f"""DEFINE nope packetpig.bridge.PythonFunction('some.module', 'nope');
        a = LOAD '{tmp_path}' AS (s:chararray); b = FOREACH a GENERATE nope(s); DUMP b;""")
    assert run.code != 0
    assert "Python function some.module.nope: no function nope" in run.errors
