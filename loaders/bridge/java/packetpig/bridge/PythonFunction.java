package packetpig.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.pig.EvalFunc;
import org.apache.pig.data.DataBag;
import org.apache.pig.data.Tuple;
import org.apache.pig.data.TupleFactory;
import org.apache.pig.impl.logicalLayer.schema.Schema;
import org.apache.pig.impl.util.Utils;

/**
 * Calls a Python function: {@code DEFINE country packetpig.bridge.PythonFunction('packetpig.udfs.geo', 'country')}, or
 * one of a file of the user's ({@link Python}). Any bytes may go in and out. Answers of functions that say they are
 * pure are remembered for arguments that come again.
 */
public class PythonFunction extends EvalFunc<Object> {
    private static final int REMEMBERED = 1 << 16;    // about 200 bytes each, for each function and thread
    private static final int SMALL = 256;
    private static final TupleFactory TUPLES = TupleFactory.getInstance();

    private final String module;
    private final String function;
    private FunctionProcess process;
    private FunctionProcess.Function known;
    private Map<ByteBuffer, Object> answers;

    /**
     * A function.
     *
     * @param module the Python module that has it, or the path of a file whose name ends in .py
     * @param function its name there
     */
    public PythonFunction(String module, String function) {
        this.module = module;
        this.function = function;
    }

    private boolean isFile() {
        return module.endsWith(".py");
    }

    @Override
    public final Schema outputSchema(Schema input) {
        try {
            return Utils.getSchemaFromString(FunctionSchemas.of(module, function));
        } catch (IOException e) {
            throw new IllegalStateException(name() + ": " + e.getMessage());
        }
    }

    private String name() {
        return "Python function " + (isFile() ? Path.of(module).getFileName() + ":" : module + ".") + function;
    }

    @Override
    public final List<String> getShipFiles() {
        return isFile() ? List.of(module) : null;
    }

    /** On a cluster, a file of the user's lies in the task's own folder. */
    private String moduleHere() {
        if (isFile() && !Files.exists(Path.of(module))) {
            return Path.of(module).getFileName().toAbsolutePath().toString();
        }
        return module;
    }

    @Override
    public final Object exec(Tuple input) throws IOException {
        if (process == null) {
            process = FunctionProcess.acquire(FunctionSchemas.configuration());
            known = process.function(moduleHere(), function);
            answers = known.pure ? new Remembered() : null;
        }
        Tuple arguments = input == null ? TUPLES.newTuple() : input;
        synchronized (process) {
            ByteBuffer bytes = process.encode(arguments);
            if (answers == null || bytes.remaining() > SMALL) {
                return process.call(known, name());
            }
            Object answer = answers.get(bytes);
            if (answer == null && !answers.containsKey(bytes)) {
                byte[] key = new byte[bytes.remaining()];
                bytes.duplicate().get(key);
                answer = process.call(known, name());
                if (!(answer instanceof DataBag || answer instanceof Map)) {
                    answers.put(ByteBuffer.wrap(key), answer);
                }
            }
            // Pig may change a tuple that it was given.
            return answer instanceof Tuple ? TUPLES.newTuple(((Tuple) answer).getAll()) : answer;
        }
    }

    @Override
    public final void finish() {
        if (process != null) {
            process.release();
            process = null;
            answers = null;
        }
    }

    /** The answers to the arguments that were asked for most lately. */
    private static final class Remembered extends LinkedHashMap<ByteBuffer, Object> {
        Remembered() {
            super(16, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<ByteBuffer, Object> eldest) {
            return size() > REMEMBERED;
        }
    }
}
