package packetpig.engine;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.net.URL;
import org.apache.pig.tools.pigstats.PigWarnCounter;

/**
 * Counters that tasks of one process do not take from each other: our {@code PigStatusReporter} in place of Pig's.
 * Pig's jar comes first on the class path (docs/engine.md), so ours is defined before anybody asks for it.
 */
final class TaskCounters {
    private static final String REPORTER = "/org/apache/pig/tools/pigstats/PigStatusReporter.class";

    private TaskCounters() {
    }

    static void useOurs() throws IOException {
        URL jar = TaskCounters.class.getProtectionDomain().getCodeSource().getLocation();
        try (InputStream bytes = new URL("jar:" + jar + "!" + REPORTER).openStream()) {
            MethodHandles.privateLookupIn(PigWarnCounter.class, MethodHandles.lookup()).defineClass(bytes.readAllBytes());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
