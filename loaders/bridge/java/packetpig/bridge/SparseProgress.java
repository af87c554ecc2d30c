package packetpig.bridge;

import org.apache.pig.backend.hadoop.executionengine.physicalLayer.PhysicalOperator;
import org.apache.pig.backend.hadoop.executionengine.physicalLayer.PigProgressable;

/**
 * Passes on one in a thousand of Pig's reports of progress. Each of Pig's operators reports with every row, which
 * Hadoop answers with a write that all cores must see: a fifth of the time of a script that counts packets.
 */
final class SparseProgress implements PigProgressable {
    private static final int ONE_IN = 1024;

    private final PigProgressable inner;
    private int reports;

    private SparseProgress(PigProgressable inner) {
        this.inner = inner;
    }

    /** Takes the place of this thread's reporter. */
    static void install() {
        PigProgressable now = PhysicalOperator.getReporter();
        if (now != null && !(now instanceof SparseProgress)) {
            PhysicalOperator.setReporter(new SparseProgress(now));
        }
    }

    @Override
    public void progress() {
        if (++reports % ONE_IN == 0) {
            inner.progress();
        }
    }

    @Override
    public void progress(String message) {
        progress();
    }
}
