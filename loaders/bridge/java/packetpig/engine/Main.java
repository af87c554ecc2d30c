package packetpig.engine;

import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.pig.impl.io.FileLocalizer;

/**
 * Runs Pig for bin/pig: quiet, with a progress line, results on standard output, and failures in a line or two.
 *
 * <p>Exit codes: 0 done; 1 the run failed; 2 wrong usage, or the script cannot be understood; 130 Ctrl-C.
 */
public final class Main {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    private static final int STOPPED = 130;
    private static final long PATIENCE_MS = 30_000;

    /** Before Pig's hooks, which kill its jobs. */
    private static final int FIRST = 1000;

    /** What this process ends with, if nobody stops it before. */
    private static volatile int exitCode = STOPPED;

    private Main() {
    }

    /** @param arguments as bin/pig got them */
    public static void main(String[] arguments) {
        Console console = new Console(System.err, Boolean.getBoolean("packetpig.terminal.err"));
        int code;
        try {
            code = run(arguments, console);
        } catch (Throwable problem) { // a fault of our own; everything foreseen is dealt with below
            console.line("pig: " + problem);
            problem.printStackTrace();
            code = FAILED;
        }
        System.out.flush();
        exitCode = code;
        System.exit(code);
    }

    /** Pig kills each job of its that may still run, and waits for a cluster that is gone as often as there were jobs. */
    private static void endForSure(Workspace workspace) {
        Thread watch = new Thread(() -> {
            try {
                Thread.sleep(PATIENCE_MS);
            } catch (InterruptedException e) {
                return;
            }
            workspace.leave();
            Runtime.getRuntime().halt(exitCode);
        }, "end for sure");
        watch.setDaemon(true);
        watch.start();
    }

    /** One session: its exit code, and where its log is if it failed. */
    static int session(Options options, Console console, Workspace workspace, LogFile log) {
        int code = new Session(options, console, workspace, log).run();
        if (code != DONE) {
            console.line("log: " + log.path());
        }
        return code;
    }

    private static int run(String[] arguments, Console console) throws IOException {
        Options options;
        try {
            options = Options.parse(arguments);
        } catch (UsageException problem) {
            console.line("pig: " + problem.getMessage() + " (bin/pig -h shows the options)");
            return USAGE;
        }
        if (options.help) {
            System.out.print(Options.HELP);
            return DONE;
        }
        TaskCounters.useOurs();
        Workspace workspace = Workspace.create();
        LogFile log = LogFile.open(options);
        System.setErr(log.stream()); // what libraries print belongs into the log
        OutputStream answers = System.out;
        System.setOut(options.serve ? log.stream() : MainThreadStream.of(System.out, log.stream(), Boolean.getBoolean("packetpig.terminal.out")));
        workspace.removeAtExit();
        ShutdownHookManager.get().addShutdownHook(console::mute, FIRST);
        ShutdownHookManager.get().addShutdownHook(() -> endForSure(workspace), FIRST);
        try {
            if (options.version) {
                System.out.print(org.apache.pig.Main.getVersionString());
                return DONE;
            }
            if (options.serve) {
                return new Serving(System.in, answers, workspace, log).run();
            }
            return session(options, console, workspace, log);
        } finally {
            FileLocalizer.deleteTempResourceFiles(); // Tez's jars, which all sessions of this process use
            System.out.flush();
            log.close();
        }
    }
}
