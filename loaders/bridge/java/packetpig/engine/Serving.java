package packetpig.engine;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;

/**
 * Many runs, one after the other, in one JVM that is warm from the second on: {@code bin/pig -serve}, for the pipeline.
 *
 * <p>Standard input: for each run the number of its arguments, and of each its length and UTF-8. Standard output: for
 * each run its exit code, and what it said (length and UTF-8). Numbers have 32 bits, big-endian. The end of the input
 * is the end.
 */
final class Serving {
    private final DataInputStream in;
    private final DataOutputStream out;
    private final Workspace workspace;
    private final LogFile log;

    Serving(InputStream in, OutputStream out, Workspace workspace, LogFile log) {
        this.in = new DataInputStream(in);
        this.out = new DataOutputStream(out);
        this.workspace = workspace;
        this.log = log;
    }

    int run() throws IOException {
        while (true) {
            String[] arguments;
            try {
                arguments = new String[in.readInt()];
            } catch (EOFException end) {
                return Main.DONE;
            }
            for (int i = 0; i < arguments.length; i++) {
                arguments[i] = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
            }
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            int code = one(arguments, new Console(new PrintStream(said, true, StandardCharsets.UTF_8), false));
            out.writeInt(code);
            out.writeInt(said.size());
            said.writeTo(out);
            out.flush();
        }
    }

    private int one(String[] arguments, Console console) {
        try {
            return Main.session(Options.parse(arguments), console, workspace, log);
        } catch (UsageException problem) {
            console.line("pig: " + problem.getMessage());
            return Main.USAGE;
        } catch (RuntimeException problem) {
            console.line("pig: " + problem);
            log.failure(problem);
            return Main.FAILED;
        } finally {
            DefaultMetricsSystem.shutdown(); // or it keeps what each job in this process counted
        }
    }
}
