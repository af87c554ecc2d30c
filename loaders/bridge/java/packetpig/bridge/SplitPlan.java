package packetpig.bridge;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Deals captures out to tasks: in order, so many bytes a task. A capture that may be cut goes on in the next task;
 * one that may not goes whole to the task whose share it fits better.
 */
final class SplitPlan {
    /** May a capture be cut? Asked only where a cut would fall inside it. */
    interface Cuttable {
        boolean test(Capture capture) throws IOException;
    }

    /** No piece of a capture is smaller, other than by the user's wish: a task costs a Python start. */
    static final long SMALLEST_PIECE = 4L << 20;

    private final long target;
    private final boolean balanced;
    private final Cuttable cuttable;
    private final List<List<Capture>> tasks = new ArrayList<>();
    private List<Capture> task = new ArrayList<>();
    private long filled;

    /**
     * A plan.
     *
     * @param target bytes a task
     * @param balanced do pieces of different captures share a task, so that all tasks are equal? Else large captures
     *     have tasks of their own, in equal pieces, which suits the blocks of a distributed file system
     */
    SplitPlan(long target, boolean balanced, Cuttable cuttable) {
        this.target = target;
        this.balanced = balanced;
        this.cuttable = cuttable;
    }

    List<List<Capture>> of(List<Capture> captures) throws IOException {
        for (Capture capture : captures) {
            long smallest = Math.min(SMALLEST_PIECE, Math.max(1, target / 4));
            boolean large = capture.length() > (balanced ? Math.max(target / 2, 2 * smallest) : target);
            if (large && capture.length() > target - filled && cuttable.test(capture)) {
                if (balanced) {
                    pour(capture, smallest);
                } else {
                    cut(capture);
                }
            } else {
                whole(capture);
            }
        }
        flush();
        return tasks;
    }

    private void pour(Capture capture, long smallest) {
        long at = 0;
        while (at < capture.size) {
            long rest = capture.size - at;
            long piece = Math.min(rest, target - filled);
            if (piece < rest && piece < smallest) {
                flush();
                continue;
            }
            if (rest - piece < smallest) {
                piece = rest;
            }
            task.add(capture.range(at, at + piece));
            filled += piece;
            at += piece;
            if (filled >= target) {
                flush();
            }
        }
    }

    private void cut(Capture capture) {
        flush();
        long pieces = (capture.size + target - 1) / target;
        long step = (capture.size + pieces - 1) / pieces;
        for (long at = 0; at < capture.size; at += step) {
            task.add(capture.range(at, Math.min(capture.size, at + step)));
            flush();
        }
    }

    private void whole(Capture capture) {
        long over = filled + capture.length() - target;
        if (!task.isEmpty() && over > 0 && (!balanced || over > target - filled)) {
            flush();
        }
        task.add(capture);
        filled += capture.length();
        if (filled >= target) {
            flush();
        }
    }

    private void flush() {
        if (!task.isEmpty()) {
            tasks.add(task);
            task = new ArrayList<>();
        }
        filled = 0;
    }
}
