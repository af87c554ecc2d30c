package packetpig.bridge;

import java.nio.charset.StandardCharsets;

/**
 * Do neighbouring splits of a capture agree on where one ends and the next begins? Each adds a hash of its end to a
 * counter and takes away one of its beginning: the counter's sum, which wraps around, is zero when all agree
 * (docs/bridge.md).
 */
final class SplitBalance {
    /** The counter, in {@link CaptureReader#COUNTERS}. */
    static final String COUNTER = "split balance";

    private SplitBalance() {
    }

    /**
     * What a split adds to the counter.
     *
     * @param first the offset of its first record
     * @param after the offset of the record after its last
     */
    static long of(Capture capture, long first, long after) {
        long balance = 0;
        if (capture.end < capture.size) {
            balance += mix(capture.path, after);
        }
        if (capture.start > 0) {
            balance -= mix(capture.path, first);
        }
        return balance;
    }

    /** A 64-bit hash of a path (FNV-1a) and an offset (the finalizer of SplitMix64). */
    static long mix(String path, long offset) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        }
        return scramble(scramble(hash) + offset);
    }

    private static long scramble(long bits) {
        long z = bits + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
