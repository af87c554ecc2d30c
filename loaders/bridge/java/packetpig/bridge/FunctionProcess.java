package packetpig.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.pig.data.Tuple;

/**
 * A Python process that runs functions: one for each thread, shared by all functions that are called there. A call is
 * one write and one read.
 */
final class FunctionProcess {
    private static final String MODULE = "packetpig.loaders.bridge.functions";
    private static final String WHAT = "the process of Python functions";
    private static final int CHUNK = 1 << 24;
    /** How often to look for an answer before sleeping: to be woken from another core takes longer than most calls. */
    private static final int LOOKS = 100;
    /** Before the arguments: the frame's length, and a tuple of the function's number and the arguments. */
    private static final int HEADER = 4 + 1 + 4 + 1 + 4 + 1;
    private static final int NUMBER_AT = 4 + 1 + 4 + 1;

    private static final ThreadLocal<Map<String, FunctionProcess>> OF_THREAD = ThreadLocal.withInitial(HashMap::new);

    /** What Python says about one function. */
    static final class Function {
        final int number;
        final String schema;
        final boolean pure;

        Function(int number, String schema, boolean pure) {
            this.number = number;
            this.schema = schema;
            this.pure = pure;
        }
    }

    private final String python;
    private final Map<String, FunctionProcess> owner;
    private final Child child;
    private final InputStream in;
    private final Map<List<String>, Function> functions = new HashMap<>();
    private final Values call = new Values();
    private byte[] answer = new byte[1 << 12];
    private int users;
    private boolean broken;

    private FunctionProcess(String python, Map<String, FunctionProcess> owner, Configuration conf) throws IOException {
        this.python = python;
        this.owner = owner;
        child = Child.start(conf, WHAT, MODULE, List.of());
        in = child.output();
    }

    /** This thread's process, started if need be. Each call is to be followed by one of {@link #release}. */
    static FunctionProcess acquire(Configuration conf) throws IOException {
        Map<String, FunctionProcess> mine = OF_THREAD.get();
        String python = Child.python(conf);
        FunctionProcess process = mine.get(python);
        if (process == null || process.broken) {
            process = new FunctionProcess(python, mine, conf);
            mine.put(python, process);
        }
        synchronized (process) {
            process.users++;
        }
        return process;
    }

    /** Ends the process when nobody uses it any more. */
    synchronized void release() {
        users--;
        if (users <= 0 || broken) {
            owner.remove(python, this);
            child.release();
        }
    }

    /** A process that no thread shares, to ask about a file's functions. */
    static Map<String, Object> list(String file, Configuration conf) throws IOException {
        FunctionProcess process = new FunctionProcess("", new HashMap<>(), conf);
        try {
            return process.request(Map.of("list", file));
        } finally {
            process.child.close();
        }
    }

    /** What is known about a function, which the process loads at the first time. */
    synchronized Function function(String module, String name) throws IOException {
        List<String> key = List.of(module, name);
        Function function = functions.get(key);
        if (function == null) {
            Map<String, Object> found = request(Map.of("functions", List.of(key)));
            if (!(found.get("schemas") instanceof List)) {
                throw new IOException(WHAT + " gives no schema for " + module + "." + name);
            }
            boolean pure = found.get("pure") instanceof List && Boolean.TRUE.equals(((List<?>) found.get("pure")).get(0));
            function = new Function(functions.size(), String.valueOf(((List<?>) found.get("schemas")).get(0)), pure);
            functions.put(key, function);
        }
        return function;
    }

    /** One request in JSON and its answer. */
    private Map<String, Object> request(Map<String, Object> request) throws IOException {
        Map<String, Object> found;
        try {
            Frames.text(child.input(), Json.write(request));
            int length = readFrame();
            found = Json.object(new String(answer, 0, length, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw failure(WHAT, e);
        }
        if (found.get("error") != null) {
            throw new IOException(String.valueOf(found.get("error")));
        }
        return found;
    }

    /** The bytes of the arguments, as they will be sent; they stand there until the next call. */
    synchronized ByteBuffer encode(Tuple arguments) throws IOException {
        call.clear(HEADER);
        call.putTuple(arguments);
        return ByteBuffer.wrap(call.bytes(), HEADER, call.size() - HEADER);
    }

    /** Calls a function with the arguments that were encoded just before. */
    synchronized Object call(Function function, String name) throws IOException {
        byte[] frame = call.bytes();
        call.putIntAt(0, call.size() - 4);
        frame[4] = 't';
        call.putIntAt(5, 2);
        frame[9] = 'i';
        call.putIntAt(NUMBER_AT, function.number);
        frame[HEADER - 1] = 't';
        int length;
        try {
            child.input().write(frame, 0, call.size());
            child.input().flush();
            for (int looks = 0; looks < LOOKS && in.available() == 0; looks++) {
                Thread.yield();
            }
            length = readFrame();
            if (length < 1) {
                throw new IOException("an empty answer");
            }
            if (answer[0] == '1') {
                return Values.read(ByteBuffer.wrap(answer, 1, length - 1).slice());
            }
        } catch (IOException e) {
            throw failure(name + ": its process", e);
        } finally {
            if (answer.length > CHUNK) {
                answer = answer.length > 4 * CHUNK ? new byte[CHUNK] : answer;
            }
        }
        throw new IOException(name + ": " + new String(answer, 1, length - 1, StandardCharsets.UTF_8));
    }

    /** Reads a frame into {@link #answer} and gives its length. */
    private int readFrame() throws IOException {
        if (in.readNBytes(answer, 0, 4) < 4) {
            throw new EOFException("no answer");
        }
        int length = ByteBuffer.wrap(answer).getInt();
        if (length < 0 || length > Integer.MAX_VALUE - 64) {
            throw new IOException("a frame of " + length + " bytes");
        }
        int got = 0;
        while (got < length) {
            int chunk = Math.min(length - got, Math.max(CHUNK, got));
            if (answer.length < got + chunk) {
                answer = Arrays.copyOf(answer, got + chunk);
            }
            int n = in.readNBytes(answer, got, chunk);
            if (n < chunk) {
                throw new EOFException("an answer that is cut off");
            }
            got += n;
        }
        return length;
    }

    private IOException failure(String what, IOException cause) {
        broken = true;
        String death = child.death();
        String line = death.startsWith("closed") ? what + " sent a broken answer: " + cause.getMessage()
                : what + " died (" + death + ")";
        String words = child.lastWords();
        child.close();
        return new IOException(line + words);
    }
}
