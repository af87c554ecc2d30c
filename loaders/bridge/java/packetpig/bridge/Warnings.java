package packetpig.bridge;

import java.util.ArrayList;
import java.util.List;

/**
 * Lines for the user about damaged or skipped captures. The bridge adds them, the launcher prints them when the run
 * is over. Bounded, so that a million broken captures cannot fill the memory: what does not fit is counted.
 */
public final class Warnings {
    private static final int LIMIT = 1000;
    private static final List<String> LINES = new ArrayList<>();
    private static long dropped;

    private Warnings() {
    }

    /** Notes one line. */
    public static synchronized void add(String line) {
        if (LINES.size() < LIMIT) {
            LINES.add(line);
        } else {
            dropped++;
        }
    }

    /** Takes the lines noted so far, with a last one that says how many did not fit, and forgets them. */
    public static synchronized List<String> drain() {
        List<String> lines = new ArrayList<>(LINES);
        if (dropped > 0) {
            lines.add("… and " + dropped + " more warnings");
        }
        LINES.clear();
        dropped = 0;
        return lines;
    }
}
