package packetpig.bridge;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** What a loader is to do, other than the captures: the same for all tasks of a LOAD. */
final class WorkerJob {
    /** The property with which {@code sensors=folders} holds for all loaders that do not say otherwise. */
    private static final String SENSORS = "packetpig.sensors";
    private static final String FOLDERS = "folders";

    final String loader;
    /** The wanted columns of the schema, in its order, with their types in Pig. */
    final Map<String, Byte> columns;
    private final String split;
    private final Options options;
    private final boolean allColumns;
    private final String filter;
    private final String location;

    /**
     * A job.
     *
     * @param columns the wanted columns and their types in Pig
     * @param allColumns are these all there are?
     * @param filter the filter that Pig pushed, as JSON, or null
     * @param split how captures may be dealt out: see LoaderDescription
     */
    WorkerJob(String loader, Options options, Map<String, Byte> columns, boolean allColumns, String filter,
            String split, String location) {
        this.loader = loader;
        this.options = options;
        this.columns = columns;
        this.allColumns = allColumns;
        this.filter = filter;
        this.split = split;
        this.location = location;
    }

    /** May captures be cut between records? */
    boolean cuts() {
        return "records".equals(split);
    }

    /** Must all captures of a sensor be in one task? */
    boolean wholeSensors() {
        return "sensor".equals(split);
    }

    /** The captures of the location. */
    CaptureList list(Configuration conf) throws IOException {
        String sensors = options.get(Options.SENSORS);
        return CaptureList.of(location, conf, FOLDERS.equals(sensors == null ? conf.getTrimmed(SENSORS) : sensors),
                "skip".equals(options.get(Options.ON_ERROR)));
    }

    /** The first frame for a worker that is given pieces of sessions, not captures. */
    String merging() {
        String text = json(List.of());
        return text.substring(0, text.length() - 1) + ",\"pieces\":true}";
    }

    /** The first frame for the worker (docs/bridge.md). */
    String json(List<Capture> captures) {
        List<Object> list = new ArrayList<>();
        for (Capture capture : captures) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("path", capture.path);
            one.put("local", capture.local);
            one.put("size", capture.size);
            one.put("start", capture.start);
            one.put("end", capture.end);
            one.put("capture", capture.name);
            one.put("sensor", capture.sensor);
            list.add(one);
        }
        Map<String, Object> job = new LinkedHashMap<>();
        job.put("loader", loader);
        job.put("options", options.forLoader());
        job.put("where", options.get(Options.WHERE));
        job.put("columns", allColumns ? null : columns.keySet());
        // The filter is JSON already: it stands here as it is.
        job.put("captures", list);
        String text = Json.write(job);
        return text.substring(0, text.length() - 1) + ",\"filter\":" + (filter == null ? "null" : filter) + "}";
    }
}
