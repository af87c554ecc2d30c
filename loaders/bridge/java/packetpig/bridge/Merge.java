package packetpig.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.mapreduce.Counter;
import org.apache.pig.EvalFunc;
import org.apache.pig.data.DataBag;
import org.apache.pig.data.DataByteArray;
import org.apache.pig.data.DataType;
import org.apache.pig.data.NonSpillableDataBag;
import org.apache.pig.data.Tuple;
import org.apache.pig.impl.logicalLayer.schema.Schema;
import org.apache.pig.impl.util.Utils;
import org.apache.pig.tools.pigstats.PigStatusReporter;

/**
 * Gives a loader pieces of sessions in place of captures: {@code DEFINE merged packetpig.bridge.Merge('sessions')}, then
 * {@code FOREACH buckets { sorted = ORDER pieces BY ts; GENERATE FLATTEN(merged(sorted)); }}. One process serves all
 * groups of a task. Pieces go to it in a thread of their own while its rows are read, so neither is ever held whole.
 */
public final class Merge extends EvalFunc<DataBag> {
    private static final Log LOG = LogFactory.getLog(Merge.class);
    private static final byte[] END = ByteBuffer.allocate(4).putInt(-1).array();

    private static final String WITHOUT = "without=";

    private final String loader;
    private final Options options;
    private final Set<String> without = new HashSet<>();
    private Child child;
    private ArrowRows rows;
    private ExecutorService writer;
    private Rows current;
    private volatile Throwable unwritten;
    private boolean group;
    private boolean done;
    private boolean ready;
    private String error;

    /**
     * A function.
     *
     * @param arguments the loader, and its options, {@code name=value}; {@code without=a,b}: columns that are not wanted
     */
    public Merge(String... arguments) {
        if (arguments.length == 0 || arguments[0].contains("=")) {
            throw new IllegalArgumentException("Merge's first argument is the loader");
        }
        loader = arguments[0];
        List<String> own = new ArrayList<>();
        for (String argument : Arrays.asList(arguments).subList(1, arguments.length)) {
            if (argument.startsWith(WITHOUT)) {
                without.addAll(Arrays.asList(argument.substring(WITHOUT.length()).split(",")));
            } else {
                own.add(argument);
            }
        }
        options = new Options(own.toArray(new String[0]));
    }

    @Override
    public Schema outputSchema(Schema input) {
        try {
            Schema row = row(FunctionSchemas.configuration());
            Schema bag = new Schema(new Schema.FieldSchema("row", row, DataType.TUPLE));
            return new Schema(new Schema.FieldSchema("rows", bag, DataType.BAG));
        } catch (IOException e) {
            throw new IllegalStateException(e.getMessage());
        }
    }

    /** The loader's columns, but those that are not wanted. */
    private Schema row(Configuration conf) throws IOException {
        Schema row = new Schema();
        for (Schema.FieldSchema field
                : Utils.getSchemaFromString(LoaderDescription.of(loader, options, conf).schema).getFields()) {
            if (!without.contains(field.alias)) {
                row.add(field);
            }
        }
        return row;
    }

    @Override
    public DataBag exec(Tuple input) throws IOException {
        if (input == null || input.size() == 0 || !(input.get(0) instanceof DataBag)) {
            return null;
        }
        if (child == null) {
            start(FunctionSchemas.configuration());
        }
        if (current != null) {
            current.finish();
        }
        DataBag pieces = (DataBag) input.get(0);
        current = new Rows();
        writer.execute(() -> write(pieces));
        return new Lazy(current);
    }

    private void start(Configuration conf) throws IOException {
        child = Workers.take(conf, what());
        rows = new ArrowRows(child.output(), this::message);
        writer = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "pieces for " + what());
            thread.setDaemon(true);
            return thread;
        });
        try {
            Map<String, Byte> columns = new LinkedHashMap<>();
            for (Schema.FieldSchema field : row(conf).getFields()) {
                columns.put(field.alias, field.type);
            }
            Frames.text(child.input(), new WorkerJob(loader, options, columns, false, null, "never", null).merging());
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private String what() {
        return "loader " + loader;
    }

    /** Sends one group. That the process reads no more is said by the one who reads its rows. */
    private void write(DataBag pieces) {
        try {
            OutputStream out = child.input();
            byte[] length = new byte[4];
            for (Tuple tuple : pieces) {
                DataByteArray piece = piece(tuple);
                if (piece != null) {
                    ByteBuffer.wrap(length).putInt(piece.size());
                    out.write(length);
                    out.write(piece.get());
                }
            }
            Frames.end(out);
        } catch (IOException | RuntimeException e) {
            LOG.debug("pieces that cannot be sent", e);
            unwritten = e;
            if (e instanceof RuntimeException) {    // of the bag: the process must not wait for the rest
                child.close();
            }
        }
    }

    /** The piece of a tuple: its last field of bytes. */
    private static DataByteArray piece(Tuple tuple) throws IOException {
        for (int i = tuple.size() - 1; i >= 0; i--) {
            if (tuple.get(i) instanceof DataByteArray) {
                return (DataByteArray) tuple.get(i);
            }
        }
        return null;
    }

    /** One message of the worker (docs/bridge.md). */
    private void message(String json) throws IOException {
        for (Map.Entry<String, Object> part : Json.object(json).entrySet()) {
            Object value = part.getValue();
            switch (part.getKey()) {
                case "counters":
                    WorkerMessage.counters(value, Merge::count);
                    break;
                case "warning":
                    WorkerMessage.warnings(value, Merge::count);
                    break;
                case "group":
                    group = true;
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
                    LOG.debug(what() + " says " + part.getKey());
            }
        }
    }

    private static void count(String name, long increment) {
        PigStatusReporter reporter = PigStatusReporter.getInstance();
        Counter counter = reporter == null ? null : reporter.getCounter(CaptureReader.COUNTERS, name);
        if (counter != null) {
            counter.increment(increment);
        }
    }

    /** The line about a run that failed, with what is known of the reason. */
    private IOException failure(IOException cause) {
        String line = error;
        if (line == null) {
            String death = child.death();
            boolean ended = !death.startsWith("closed");
            if (unwritten instanceof RuntimeException) {
                line = "pieces for " + what() + " cannot be read: " + unwritten.getMessage();
            } else if (cause == null || cause instanceof EOFException || ended && !death.equals("exit status 0")) {
                line = what() + " died (" + death + ") while putting pieces together" + child.lastWords();
            } else {
                line = what() + " sent a broken stream: " + cause.getMessage() + child.lastWords();
            }
        }
        LOG.debug(line, cause);
        close();
        return new IOException(line);
    }

    @Override
    public void finish() {
        if (child == null) {
            return;
        }
        try {
            if (current != null) {
                current.finish();
            }
            child.input().write(END);
            child.input().flush();
            while (rows.next() != null) {
                LOG.debug("a row after the last group");
            }
            if (!done) {
                throw failure(null);
            }
            if (ready) {
                writer.shutdown();
                Workers.give(child);
                child = null;
                current = null;
            }
        } catch (IOException e) {
            LOG.warn("the end of " + what(), e);
        } finally {
            close();
        }
    }

    private void close() {
        if (child != null) {
            writer.shutdownNow();
            if (done) {
                child.release();
            } else {
                child.close();
            }
            child = null;
            current = null;
        }
    }

    /** The rows of one group, as they come. */
    private final class Rows implements Iterator<Tuple> {
        private Tuple next;
        private boolean over;

        private void look() throws IOException {
            if (next == null && !over) {
                if (child == null) {
                    throw new IOException(what() + " has ended");
                }
                group = false;
                try {
                    next = rows.nextOr(() -> group);
                } catch (IOException e) {
                    throw failure(e);
                }
                if (next == null) {
                    if (!group) {
                        throw failure(null);
                    }
                    over = true;
                }
            }
        }

        @Override
        public boolean hasNext() {
            try {
                look();
            } catch (IOException e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
            return next != null;
        }

        @Override
        public Tuple next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Tuple given = next;
            next = null;
            return given;
        }

        /** Reads to the end of the group. */
        void finish() throws IOException {
            while (!over) {
                look();
                next = null;
            }
        }
    }

    /** A bag whose rows can be gone through once without being held; whoever asks more of it has them all. */
    private static final class Lazy extends NonSpillableDataBag {
        private static final long serialVersionUID = 1L;

        private final transient Iterator<Tuple> rest;
        private final List<Tuple> all;
        private boolean started;
        private boolean whole;

        Lazy(Iterator<Tuple> rows) {
            this(rows, new ArrayList<>());
        }

        private Lazy(Iterator<Tuple> rows, List<Tuple> all) {
            super(all);
            rest = rows;
            this.all = all;
        }

        private void read() {
            if (!whole && started) {
                throw new IllegalStateException("a bag of merged rows can be gone through only once");
            }
            started = whole = true;
            rest.forEachRemaining(all::add);
        }

        @Override
        public Iterator<Tuple> iterator() {
            if (!started) {
                started = true;
                return rest;
            }
            read();
            return super.iterator();
        }

        @Override
        public long size() {
            read();
            return super.size();
        }

        @Override
        public int hashCode() {
            read();
            return super.hashCode();
        }

        @Override
        public boolean equals(Object other) {
            read();
            return super.equals(other);
        }
    }
}
