package packetpig.bridge;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;

/**
 * The loader processes of this JVM. One that is through with its job, and said that it would take another, waits a
 * little for one: to start a Python with its packages takes as long as to read hundreds of megabytes.
 */
final class Workers {
    private static final String MODULE = "packetpig.loaders.bridge.worker";
    private static final int MOST = Runtime.getRuntime().availableProcessors();
    /** Long enough for the next task, too short to keep memory or a loader's old code. */
    private static final long PATIENCE_MS = 3000;

    private static final Deque<Child> IDLE = new ArrayDeque<>();
    private static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "idle loader processes");
        thread.setDaemon(true);
        return thread;
    });

    private Workers() {
    }

    /** A process that waits for a job. WHAT: as messages name it. */
    static Child take(Configuration conf, String what) throws IOException {
        String python = Child.python(conf);
        synchronized (IDLE) {
            for (Iterator<Child> children = IDLE.descendingIterator(); children.hasNext();) {
                Child child = children.next();
                if (child.python.equals(python)) {
                    children.remove();
                    if (child.begin(what)) {
                        return child;
                    }
                    child.release();
                }
            }
        }
        return Child.start(conf, what, MODULE, List.of());
    }

    /** Gives back a process that waits for another job, and whose stream was read to its end. */
    static void give(Child child) {
        synchronized (IDLE) {
            IDLE.addLast(child);
            if (IDLE.size() > MOST) {
                IDLE.removeFirst().release();
            }
        }
        long jobs = child.jobs();
        CLOCK.schedule(() -> {
            synchronized (IDLE) {
                if (child.jobs() == jobs && IDLE.remove(child)) {
                    child.release();
                }
            }
        }, PATIENCE_MS, TimeUnit.MILLISECONDS);
    }
}
