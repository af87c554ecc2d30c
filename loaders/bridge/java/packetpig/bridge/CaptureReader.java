package packetpig.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.mapreduce.InputSplit;
import org.apache.hadoop.mapreduce.RecordReader;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.pig.data.DataType;
import org.apache.pig.data.Tuple;

/**
 * Reads the rows of one task: starts the worker, sends it the job, hands its rows to Pig and acts on its messages. A
 * worker that dies fails the task in one line with its last words.
 */
final class CaptureReader extends RecordReader<Void, Tuple> {
    /** The group of Hadoop counters. */
    static final String COUNTERS = "packetpig";

    private static final Log LOG = LogFactory.getLog(CaptureReader.class);
    private static final String BYTES_READ = "capture bytes read";
    private static final String ROWS = "rows";
    private static final String STOPPED_EARLY = "splits stopped early";

    /** Readers of this thread that are not closed. */
    private static final ThreadLocal<Set<CaptureReader>> OPEN = ThreadLocal.withInitial(HashSet::new);

    private final WorkerJob job;
    private final List<Capture> captures;
    private final String what;
    private final long totalBytes;
    private IOException startFailure;
    private Child child;
    private CaptureFeeder feeder;
    private ArrowRows rows;
    private TaskAttemptContext context;
    private Tuple current;
    private long givenRows;
    private long countedRows;
    private long doneBytes;
    private Capture at;
    private boolean done;
    private boolean ready;
    private String error;

    /** Has a worker at once: while it starts, Pig prepares the rest of the task. */
    CaptureReader(WorkerJob job, CaptureSplit split, Configuration conf) {
        this.job = job;
        captures = split.captures();
        totalBytes = split.bytes();
        what = "loader " + job.loader;
        try {
            OPEN.get().add(this);
            child = Workers.take(conf, what);
            feeder = new CaptureFeeder(captures, conf, child.input());
            rows = new ArrowRows(child.output(), this::message);
        } catch (IOException e) {
            startFailure = e;
        }
    }

    /**
     * Closes readers that Pig forgot: a DUMP with a LIMIT reads in the thread that plans, and closes nothing. To be
     * called when that thread plans again.
     */
    static void closeForgotten() {
        for (CaptureReader reader : List.copyOf(OPEN.get())) {
            reader.close();
        }
    }

    @Override
    public void initialize(InputSplit split, TaskAttemptContext taskContext) throws IOException {
        context = taskContext;
        if (startFailure != null) {
            throw startFailure;
        }
        try {
            Frames.text(child.input(), job.json(captures));
        } catch (IOException e) {
            throw failure(e);
        }
    }

    @Override
    public boolean nextKeyValue() throws IOException {
        if (done && rows == null) {
            return false;
        }
        try {
            current = rows.next();
            if (givenRows == 0 && (current != null || done)) {
                checkColumns(rows.columns());    // not before: a worker may fail before it knows its columns
            }
        } catch (IOException e) {
            throw failure(e);
        }
        if (current != null) {
            givenRows++;
            if (givenRows == 2) {
                SparseProgress.install();    // not before: with the first row Pig sets its own
            }
            if (givenRows - countedRows >= 1 << 14) {
                countRows();
            }
            return true;
        }
        if (!done) {
            throw failure(null);
        }
        countRows();
        rows = null;
        return false;
    }

    private void countRows() {
        long more = givenRows - countedRows;
        countedRows = givenRows;
        Progress.rows.addAndGet(more);
        count(ROWS, more);
    }

    private void count(String counter, long increment) {
        if (context != null && increment != 0) {
            context.getCounter(COUNTERS, counter).increment(increment);
        }
    }

    /** Are the stream's columns those that were asked for, with the types that the schema says? */
    private void checkColumns(ArrowColumn[] columns) throws IOException {
        Iterator<Map.Entry<String, Byte>> wanted = job.columns.entrySet().iterator();
        for (ArrowColumn column : columns) {
            Map.Entry<String, Byte> next = wanted.hasNext() ? wanted.next() : null;
            if (next == null || !next.getKey().equals(column.name)) {
                throw new IOException("column " + column.name + " where "
                        + (next == null ? "the row should end" : next.getKey() + " was asked for"));
            }
            if (column.type != next.getValue() && column.type != DataType.NULL) {
                throw new IOException("column " + column.name + " as " + DataType.findTypeName(column.type)
                        + ", which the schema says is " + DataType.findTypeName(next.getValue().byteValue()));
            }
        }
        if (wanted.hasNext()) {
            throw new IOException("no column " + wanted.next().getKey());
        }
    }

    /** One message of the worker (docs/bridge.md). */
    private void message(String json) throws IOException {
        Map<String, Object> message = Json.object(json);
        for (Map.Entry<String, Object> part : message.entrySet()) {
            Object value = part.getValue();
            switch (part.getKey()) {
                case "read":
                    feeder.read(number(value, 0), number(value, 1), number(value, 2));
                    break;
                case "progress":
                    long bytes = ((Number) value).longValue();
                    doneBytes += bytes;
                    Progress.bytesRead.addAndGet(bytes);
                    count(BYTES_READ, bytes);
                    context.progress();
                    break;
                case "counters":
                    WorkerMessage.counters(value, this::count);
                    break;
                case "warning":
                    WorkerMessage.warnings(value, this::count);
                    break;
                case "split":
                    Capture capture = captures.get((int) number(value, 0));
                    count(SplitBalance.COUNTER, SplitBalance.of(capture, number(value, 1), number(value, 2)));
                    break;
                case "at":
                    at = captures.get(((Number) value).intValue());
                    break;
                case "done":
                    done = Boolean.TRUE.equals(value);
                    break;
                case "ready":
                    ready = Boolean.TRUE.equals(value);
                    break;
                case "error":
                    error = String.valueOf(value);
                    throw new IOException(error);
                default:
                    LOG.warn(what + " says something that is not understood: " + part.getKey());
            }
        }
    }

    private static long number(Object list, int index) {
        return ((Number) ((List<?>) list).get(index)).longValue();
    }

    /** The line about a run that failed, with what is known of the reason. */
    private IOException failure(IOException cause) {
        String line;
        if (error != null) {
            line = error;
        } else {
            String death = child.death();
            boolean ended = !death.startsWith("closed");
            String reading = " while reading " + reading();
            if (cause == null || cause instanceof EOFException || ended && !death.equals("exit status 0")) {
                line = what + " died (" + death + ")" + reading + child.lastWords();
            } else {
                line = what + " sent a broken stream" + reading + ": " + cause.getMessage() + child.lastWords();
            }
        }
        LOG.debug(line, cause);
        close();
        return new IOException(line);    // without its cause: the launcher shows the root of a failure
    }

    private String reading() {
        if (at != null) {
            return at.name;
        }
        Capture first = captures.get(0);
        return captures.size() == 1 ? first.name
                : first.name + " to " + captures.get(captures.size() - 1).name + " (" + captures.size() + " captures)";
    }

    @Override
    public Void getCurrentKey() {
        return null;
    }

    @Override
    public Tuple getCurrentValue() {
        return current;
    }

    @Override
    public float getProgress() {
        return totalBytes == 0 ? 0 : Math.min(1f, (float) doneBytes / totalBytes);
    }

    /** Ends the worker. Before its end (a LIMIT has its rows), that is no failure. */
    @Override
    public void close() {
        OPEN.get().remove(this);
        if (child == null) {
            return;
        }
        Child ending = child;
        child = null;
        countRows();
        feeder.stop();
        if (done && ready && rows == null) {
            Workers.give(ending);
        } else if (done) {
            ending.release();
        } else {
            count(STOPPED_EARLY, 1);
            ending.close();
        }
    }
}
