package packetpig.bridge;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.apache.hadoop.conf.Configuration;

/**
 * A Python process and its pipes. What it says on standard error goes to the log, and its last words are kept for
 * the message about its death. It ends with this JVM, since its standard input is closed then.
 */
final class Child implements Closeable {
    /** The property, and the environment's variable, that name the Python to run. */
    static final String PYTHON_PROPERTY = "packetpig.python";
    static final String PYTHON_VARIABLE = "PACKETPIG_PYTHON";
    /** The variable that names the Python of the bundle, in containers that run out of one. */
    private static final String BUNDLED_VARIABLE = "PACKETPIG_TASK_PYTHON";
    /** The variable with settings of Hadoop's that say where HDFS is (loaders/remote/hadoop.py), and which these are. */
    private static final String HADOOP_VARIABLE = "PACKETPIG_HADOOP";
    private static final String HADOOP_SETTINGS = "^(fs\\.defaultFS|dfs\\.nameservices|dfs\\.ha\\.namenodes\\..*"
            + "|dfs\\.namenode\\.https?-address.*|dfs\\.http\\.policy|hadoop\\.security\\.authentication)$";

    private static final Log LOG = LogFactory.getLog(Child.class);
    private static final int LAST_LINES = 20;
    private static final int LAST_CHARACTERS = 4096;
    private static final long PATIENCE_MS = 500;
    private static final long GRACE_MS = 2000;

    /** The Python that it is. */
    final String python;

    private final Process process;
    private final Thread drain;
    private final Deque<String> lastLines = new ArrayDeque<>();
    private int lastCharacters;
    private volatile String what;
    private volatile long jobs = 1;

    private Child(Process process, String python, String what) {
        this.process = process;
        this.python = python;
        this.what = what;
        drain = new Thread(this::drain, "stderr of " + what);
        drain.setDaemon(true);
        drain.start();
    }

    /**
     * Starts a Python module.
     *
     * @param conf where the Python to run is named, or null
     * @param what it is, as messages name it
     */
    static Child start(Configuration conf, String what, String module, List<String> arguments) throws IOException {
        String python = python(conf);
        List<String> command = new ArrayList<>(List.of(python, "-m", module));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        // this run's or container's own folder, which goes with it even if all its processes are killed
        builder.environment().put("TMPDIR", System.getProperty("java.io.tmpdir"));
        if (conf != null) {
            builder.environment().put(HADOOP_VARIABLE, hadoop(conf));
            s3(conf, builder.environment());
        }
        if (System.getenv(BUNDLED_VARIABLE) != null) { // the node's own Python, if any, has no say
            builder.environment().keySet().removeAll(List.of("PYTHONHOME", "PYTHONPATH"));
            builder.environment().put("PYTHONNOUSERSITE", "1");
        }
        try {
            return new Child(builder.start(), python, what);
        } catch (IOException e) {
            String why = String.valueOf(e.getMessage()).replaceFirst("^.*error=\\d+, ", "");
            throw new IOException("cannot start " + what + ": " + python + ": " + why + "; run make setup, or set "
                    + PYTHON_PROPERTY);
        }
    }

    /** Where HDFS is, a line a setting, for a loader that keeps files there: a node need not have clients' files. */
    private static String hadoop(Configuration conf) {
        StringBuilder lines = new StringBuilder();
        for (Map.Entry<String, String> setting : conf.getValByRegex(HADOOP_SETTINGS).entrySet()) {
            String[] sources = conf.getPropertySources(setting.getKey());
            boolean said = sources == null || !sources[sources.length - 1].endsWith("-default.xml");
            String value = setting.getValue();
            if (said && value != null && value.indexOf('\n') < 0 && !value.startsWith("file:")) {
                lines.append(setting.getKey()).append('=').append(value).append('\n');
            }
        }
        return lines.toString();
    }

    /** Where S3 is, and with which keys, for a loader that keeps files there; what the environment says stays. */
    private static void s3(Configuration conf, Map<String, String> environment) {
        try {
            for (Map.Entry<String, String> key : S3Keys.VARIABLES.entrySet()) { // tasks have them in credentials
                char[] value = environment.containsKey(key.getValue()) ? null : conf.getPassword(key.getKey());
                give(environment, key.getValue(), value == null ? "" : new String(value));
            }
        } catch (IOException e) { // whoever reads or writes there says so
            LOG.warn("keys of S3 cannot be read: " + e.getMessage());
        }
        give(environment, "AWS_REGION", conf.getTrimmed("fs.s3a.endpoint.region", ""));
        String endpoint = conf.getTrimmed("fs.s3a.endpoint", "");
        String scheme = conf.getBoolean("fs.s3a.connection.ssl.enabled", true) ? "https://" : "http://";
        give(environment, "AWS_ENDPOINT_URL", endpoint.isEmpty() || endpoint.contains("://") ? endpoint : scheme + endpoint);
    }

    private static void give(Map<String, String> environment, String variable, String value) {
        if (!value.isEmpty()) {
            environment.putIfAbsent(variable, value);
        }
    }

    /** The Python to run: the bundle's, else the property, else the environment's variable, else python3 from PATH. */
    static String python(Configuration conf) {
        String bundled = System.getenv(BUNDLED_VARIABLE);
        if (bundled != null) {
            return bundled;
        }
        String named = conf == null ? null : conf.getTrimmed(PYTHON_PROPERTY);
        if (named == null || named.isEmpty()) {
            named = System.getenv(PYTHON_VARIABLE);
        }
        return named == null || named.isEmpty() ? "python3" : named;
    }

    /** Begins another job, as WHAT; false if the process has ended. */
    boolean begin(String what) {
        synchronized (lastLines) {
            this.what = what;
            jobs++;
            lastLines.clear();
            lastCharacters = 0;
        }
        return process.isAlive();
    }

    /** How many jobs it has been given. */
    long jobs() {
        return jobs;
    }

    /** Where the child reads. */
    OutputStream input() {
        return process.getOutputStream();
    }

    /** What the child writes. */
    InputStream output() {
        return process.getInputStream();
    }

    private void drain() {
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                LOG.info(what + ": " + line);
                synchronized (lastLines) {
                    String kept = line.length() > LAST_CHARACTERS ? line.substring(0, LAST_CHARACTERS) : line;
                    lastLines.add(kept);
                    lastCharacters += kept.length();
                    while (lastLines.size() > LAST_LINES || lastCharacters > LAST_CHARACTERS) {
                        lastCharacters -= lastLines.remove().length();
                    }
                }
            }
        } catch (IOException e) {
            LOG.debug("standard error of " + what + " was closed", e);
        }
    }

    /** Waits for an end that must be near, and says how the child ended: "exit status 1", "killed by signal 9". */
    String death() {
        if (!ended(GRACE_MS)) {
            process.destroyForcibly();
            ended(GRACE_MS);
            return "closed its output and did not end";
        }
        try {
            drain.join(PATIENCE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        int status = process.exitValue();
        return status > 128 && status <= 128 + 64 ? "killed by signal " + (status - 128) : "exit status " + status;
    }

    /** The last lines of standard error, on one line, after a colon; empty if there were none. */
    String lastWords() {
        synchronized (lastLines) {
            List<String> words = new ArrayList<>();
            for (String line : lastLines) {
                if (!line.isBlank()) {
                    words.add(line.strip());
                }
            }
            return words.isEmpty() ? "" : ": " + String.join(" | ", words);
        }
    }

    private boolean ended(long patience) {
        try {
            return process.waitFor(patience, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Closes the pipes of a child that is through, and looks after its end in the background. */
    void release() {
        closePipes();
        process.onExit().orTimeout(PATIENCE_MS + GRACE_MS, TimeUnit.MILLISECONDS).whenComplete((ended, late) -> {
            if (late != null) {
                process.destroyForcibly();
            } else if (ended.exitValue() != 0) {
                LOG.warn("a Python process ended with status " + ended.exitValue() + " after its work was done");
            }
        });
    }

    /** Ends the child, whatever it is doing: closed pipes first, then SIGTERM, then SIGKILL. */
    @Override
    public void close() {
        closePipes();
        if (!ended(PATIENCE_MS)) {
            process.destroy();
            if (!ended(GRACE_MS)) {
                process.destroyForcibly();
                ended(GRACE_MS);
            }
        }
    }

    private void closePipes() {
        // In a thread of their own: closing waits for a write that another thread has under way.
        CompletableFuture<Void> input = CompletableFuture.runAsync(() -> close(process.getOutputStream()));
        close(process.getInputStream());
        try {
            input.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.debug("a pipe is closed later", e);
        }
    }

    private static void close(Closeable pipe) {
        try {
            pipe.close();
        } catch (IOException e) {
            LOG.debug("a pipe was closed already", e);
        }
    }
}
