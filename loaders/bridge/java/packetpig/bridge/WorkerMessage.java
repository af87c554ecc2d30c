package packetpig.bridge;

import java.util.List;
import java.util.Map;
import java.util.function.ObjLongConsumer;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

/** Those parts of a worker's messages that mean the same to all who read them (docs/bridge.md). */
final class WorkerMessage {
    private static final Log LOG = LogFactory.getLog(WorkerMessage.class);

    private WorkerMessage() {
    }

    /** Adds counters, an object of names and numbers. */
    static void counters(Object value, ObjLongConsumer<String> count) {
        for (Map.Entry<?, ?> counter : ((Map<?, ?>) value).entrySet()) {
            count.accept(String.valueOf(counter.getKey()), ((Number) counter.getValue()).longValue());
        }
    }

    /** Notes warnings, one or a list, for the log and the end of the run, and counts them. */
    static void warnings(Object value, ObjLongConsumer<String> count) {
        for (Object line : value instanceof List ? (List<?>) value : List.of(value)) {
            LOG.warn(line);
            Warnings.add(String.valueOf(line));
            count.accept("warnings", 1);
        }
    }
}
