package packetpig.engine;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.pig.backend.hadoop.executionengine.HExecutionEngine;
import org.apache.pig.backend.hadoop.executionengine.Launcher;
import org.apache.pig.impl.PigContext;
import org.apache.pig.impl.PigImplConstants;
import org.apache.pig.impl.io.FileLocalizer;
import org.apache.pig.impl.util.ObjectSerializer;
import org.apache.pig.impl.util.UDFContext;
import org.apache.pig.tools.grunt.GruntParser;
import org.apache.pig.tools.parameters.PreprocessorContext;
import org.apache.pig.tools.pigscript.parser.TokenMgrError;
import org.apache.pig.tools.pigstats.ScriptState;

/** One run of bin/pig: a script, statements of the command line, or the shell. */
final class Session {
    private final Options options;
    private final Console console;
    private final Workspace workspace;
    private final LogFile log;
    private final Outputs outputs = new Outputs();
    private final RunListener listener;

    Session(Options options, Console console, Workspace workspace, LogFile log) {
        this.options = options;
        this.console = console;
        this.workspace = workspace;
        this.log = log;
        this.listener = new RunListener(options, console, outputs);
    }

    /** @return the exit code; what went wrong has been said */
    int run() {
        TaskFailures failures = TaskFailures.watch();
        PigContext context = null;
        try (ProgressLine progress = new ProgressLine(console, listener)) {
            context = context();
            if (options.script == null && options.statements.isEmpty() && Boolean.getBoolean("packetpig.terminal.in")) {
                return new Shell(context, console, log, listener, failures, prelude()).run();
            }
            runScript(context);
            if (listener.failed()) {
                return failed(Failure.of(null, listener.failure(), failures.last()));
            }
            return listener.trusted() ? Main.DONE : Main.FAILED;
        } catch (Throwable problem) {
            return failed(Failure.of(problem, listener.failure(), failures.last()));
        } finally {
            console.clear();
            listener.sayWarnings();
            failures.stop();
            if (context != null) {
                FileLocalizer.deleteTempFiles();
                context.getExecutionEngine().destroy();
                if (!listener.running()) { // else jobs may still run, which Pig kills at exit
                    forget(context);
                }
            }
        }
    }

    /**
     * A process that serves would fill up with what each session has for the exit. Pig's own hook there kills the jobs of
     * its launcher, and is a thread, which holds the whole session; nothing of Pig's takes it back.
     */
    private void forget(PigContext context) {
        try {
            outputs.forgetAtExit();
            ShutdownHookManager exit = ShutdownHookManager.get();
            Object launcher = value(HExecutionEngine.class, context.getExecutionEngine(), "launcher");
            for (Object entry : ((Set<?>) value(ShutdownHookManager.class, exit, "hooks")).toArray()) {
                Object hook = value(entry.getClass(), entry, "hook");
                if (hook.getClass().getEnclosingClass() == Launcher.class && value(hook.getClass(), hook, "this$0") == launcher) {
                    exit.removeShutdownHook((Runnable) hook);
                }
            }
        } catch (IllegalStateException exiting) {
            // the hooks need it
        } catch (ReflectiveOperationException other) {
            throw new LinkageError("not the Pig and Hadoop of pom.xml", other);
        }
    }

    private static Object value(Class<?> kind, Object of, String name) throws ReflectiveOperationException {
        Field field = kind.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    private int failed(Failure failure) {
        String line = failure.line(options.script);
        if (line.startsWith("fs command ") && log.lastPrinted() != null) {
            line = log.lastPrinted(); // Hadoop's shell printed why; Pig says only that it failed
        }
        console.line("pig: " + line);
        log.failure(failure.problem);
        if (options.verbose) {
            console.line(failure.trace());
        }
        return failure.code;
    }

    private PigContext context() throws Exception {
        Properties properties = Settings.of(options, workspace);
        if (!options.isLocal()) {
            Bundle.use(properties, console);
            Keys.handOver(properties, workspace);
        }
        UDFContext.getUDFContext().setClientSystemProps(properties);
        PigContext context = new PigContext(properties);
        outputs.removeHalvesAtExit(context.getProperties());
        ScriptState state = context.getExecutionEngine().instantiateScriptState();
        state.setCommandLine(options.title());
        state.registerListener(listener);
        ScriptState.start(state);
        context.getProperties().setProperty(PigContext.JOB_NAME, "PigLatin:" + options.title());
        context.getProperties().setProperty(PigImplConstants.PIG_OPTIMIZER_RULES_KEY,
            ObjectSerializer.serialize(new HashSet<>(options.rulesOff)));
        PigContext.setClassLoader(context.createCl(null));
        for (String file : options.parameterFiles) {
            if (!new File(file).isFile()) {
                throw new UsageException(file + ": no such parameter file");
            }
        }
        PreprocessorContext parameters = context.getPreprocessorContext();
        parameters.loadParamVal(List.of(), options.parameterFiles);
        options.parameters.forEach(parameters::paramval_put);
        context.setParams(new ArrayList<>());
        context.setParamFiles(new ArrayList<>());
        return context;
    }

    private void runScript(PigContext context) throws Exception {
        String script = context.doParamSubstitution(new BufferedReader(new StringReader(text(context))));
        if (options.dryRun) {
            System.out.print(script);
            return;
        }
        ScriptState.get().setScript(script);
        Server server = new Server(context);
        server.setBatchOn();
        server.setSkipParseInRegisterForBatch(true);
        String prelude = prelude();
        if (!prelude.isEmpty()) {
            server.prelude(prelude);
        }
        GruntParser parser = options.check ? new CheckingParser(new StringReader(script), server)
            : new GruntParser(new StringReader(script), server);
        parser.setInteractive(false);
        try {
            parser.parseStopOnError(true);
        } catch (TokenMgrError vague) {
            server.parseAndBuild(); // Pig's other parser may say it better, and with the right line
            throw new UsageException("the script ends within "
                + (server.lastLine() == 0 ? "its first statement" : "the statement after line " + server.lastLine())
                + ": a quote, a bracket or a semicolon is missing");
        }
        if (options.check) {
            server.validate();
            console.line(options.title() + ": can be run");
        } else {
            server.executeBatch();
        }
    }

    private String text(PigContext context) throws IOException {
        if (!options.statements.isEmpty()) {
            return String.join("\n", options.statements) + "\n";
        }
        if (options.script == null || options.script.equals("-")) {
            return read(System.in);
        }
        File file = new File(options.script);
        if (!options.script.contains(":/")) {
            if (!file.exists()) {
                throw new UsageException(options.script + ": no such script");
            }
            if (file.isDirectory()) {
                throw new UsageException(options.script + ": a folder, not a script");
            }
        } else {
            file = FileLocalizer.fetchFile(context.getProperties(), options.script).file;
        }
        ScriptState.get().setFileName(options.script);
        return new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
    }

    private static String read(InputStream in) throws IOException {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return reader.lines().collect(Collectors.joining("\n", "", "\n"));
        }
    }

    /** What stands before every script: the macros, all on one line so that the user's line numbers stay. */
    private static String prelude() {
        File[] macros = new File(System.getProperty("packetpig.root", "."), "pig/macros")
            .listFiles((folder, name) -> name.endsWith(".pig"));
        List<File> files = macros == null ? new ArrayList<>() : Arrays.asList(macros);
        return files.stream().sorted().map(file -> "IMPORT '" + file.getAbsolutePath().replace("'", "\\'") + "';")
            .collect(Collectors.joining(" "));
    }
}
