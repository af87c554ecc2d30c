package packetpig.bridge;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How far the loaders of this JVM have come. The bridge adds, the launcher's progress line reads. In local modes all
 * tasks run in the launcher's JVM; on a cluster these numbers stay where the tasks are and nobody looks.
 */
public final class Progress {
    /** Bytes of all captures of the jobs that were planned so far. */
    public static final AtomicLong totalBytes = new AtomicLong();

    /** Bytes of captures that loaders are done with. */
    public static final AtomicLong bytesRead = new AtomicLong();

    /** Rows that loaders handed to Pig. */
    public static final AtomicLong rows = new AtomicLong();

    private Progress() {
    }

    /** Before the next jobs are planned. */
    public static void reset() {
        totalBytes.set(0);
        bytesRead.set(0);
        rows.set(0);
    }
}
