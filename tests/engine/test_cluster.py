"""On a real HDFS and YARN, from the jars of build/lib."""

from __future__ import annotations

import pytest

from .conftest import Pig
from .minicluster import MiniCluster

COUNT = "rows = LOAD '{0}/rows.txt' AS (n:int, word:chararray); words = GROUP rows BY word;"
COUNT += "counts = FOREACH words GENERATE group, COUNT(rows); STORE counts INTO '{0}/counts'; cat {0}/counts;"


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_count_words(pig: Pig, cluster: MiniCluster, mode: str) -> None:
    folder = f"{cluster.file_system}/{mode}"
    script = f"fs -mkdir -p {folder}; fs -put rows.txt {folder}; " + COUNT.format(folder)
    done = pig("-x", mode, "-e", script, env=cluster.environment)
    assert (done.returncode, done.stderr) == (0, f"{folder}/counts: 3 rows\n")
    assert sorted(done.stdout.splitlines()) == ["one\t1", "three\t1", "two\t1"]


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["mapreduce", "tez"])
def test_a_task_that_fails_says_why(pig: Pig, cluster: MiniCluster, mode: str) -> None:
    folder = f"{cluster.file_system}/{mode}-fails"
    script = f"fs -mkdir -p {folder}; fs -put rows.txt {folder}/broken.gz;"
    script += f"rows = LOAD '{folder}/broken.gz'; STORE rows INTO '{folder}/out';"
    done = pig("-x", mode, "-e", script, env=cluster.environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "pig: not a gzip file"


@pytest.mark.cluster
def test_no_input_on_the_cluster(pig: Pig, cluster: MiniCluster) -> None:
    done = pig("-x", "mapreduce", "-e", "rows = LOAD '/nowhere'; STORE rows INTO '/out';", env=cluster.environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"pig: {cluster.file_system}/nowhere: no such file or folder"
