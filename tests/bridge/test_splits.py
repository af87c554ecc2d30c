"""Splits: every byte of every capture in exactly one task, in order; and the check that neighbours agree."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MB = 1 << 20
RULES = settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


def plan(probe, sizes, target, balanced, cuttable=None):
    return probe.ask("plan", sizes=sizes, target=target, balanced=balanced, cuttable=cuttable or [True] * len(sizes))


@RULES
@given(
    st.lists(st.tuples(st.integers(0, 300 * MB) | st.integers(0, 1000), st.booleans()), min_size=1, max_size=30),
    st.sampled_from([1, 100, MB, 16 * MB, 100 * MB, 1 << 30]),
    st.booleans(),
)
def test_splits_cover_captures_exactly(probe, captures, target, balanced):
    sizes, cuttable = [c[0] for c in captures], [c[1] for c in captures]
    target = max(target, sum(sizes) // 1000)  # a plan of millions of tasks is for nobody
    tasks = plan(probe, sizes, target, balanced, cuttable)
    ranges = [r for task in tasks for r in task]
    assert all(tasks)
    expected_start = dict.fromkeys(range(len(sizes)), 0)
    for number, start, end in ranges:
        assert start == expected_start[number]
        assert end > start or sizes[number] == 0
        assert cuttable[number] or (start, end) == (0, sizes[number])
        expected_start[number] = end
    assert [expected_start[i] for i in range(len(sizes))] == sizes
    assert [r[0] for r in ranges] == sorted(r[0] for r in ranges)


def test_one_large_capture_for_two_cores(probe):
    assert plan(probe, [1000 * MB], 500 * MB, True) == [[[0, 0, 500 * MB]], [[0, 500 * MB, 1000 * MB]]]


def test_captures_share_a_balanced_task(probe):
    tasks = plan(probe, [600 * MB, 400 * MB], 500 * MB, True)
    assert tasks == [[[0, 0, 500 * MB]], [[0, 500 * MB, 600 * MB], [1, 0, 400 * MB]]]


def test_small_captures_are_combined(probe):
    tasks = plan(probe, [100_000] * 10_000, 500_000_000, True)
    assert [len(task) for task in tasks] == [5000, 5000]


def test_large_captures_on_a_cluster_have_tasks_of_their_own(probe):
    tasks = plan(probe, [10, 600 * MB, 10], 256 * MB, False)
    assert tasks == [
        [[0, 0, 10]],
        [[1, 0, 200 * MB]],
        [[1, 200 * MB, 400 * MB]],
        [[1, 400 * MB, 600 * MB]],
        [[2, 0, 10]],
    ]


def test_no_tiny_pieces(probe):
    tasks = plan(probe, [501 * MB, 499 * MB], 500 * MB, True)
    assert tasks == [[[0, 0, 501 * MB]], [[1, 0, 499 * MB]]]


def test_empty_captures_are_read_too(probe):
    assert plan(probe, [0, 0], 100, True) == [[[0, 0, 0], [1, 0, 0]]]


OFFSETS = st.lists(st.integers(1, (1 << 40) - 1), min_size=1, max_size=20, unique=True).map(sorted)


@RULES
@given(OFFSETS, st.data())
def test_balance_is_zero_only_when_neighbours_agree(probe, cuts, data):
    size = 1 << 40
    edges = [0, *cuts, size]
    starts = [24, *[c + 7 for c in cuts], size]  # where the records found begin
    splits = [["hdfs://a", size, edges[i], edges[i + 1], starts[i], starts[i + 1]] for i in range(len(edges) - 1)]
    assert probe.ask("balance", splits=splits) == 0
    wrong = data.draw(st.integers(1, len(splits) - 1))
    splits[wrong][4] += data.draw(st.integers(1, 1000))
    assert probe.ask("balance", splits=splits) != 0


def test_local_target(probe):
    assert probe.ask("local target", total=1) == 16 * MB
    assert probe.ask("local target", total=1 << 50) <= 1 << 30
