package packetpig.engine;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import jline.console.ConsoleReader;
import jline.console.history.FileHistory;
import org.apache.pig.impl.PigContext;
import org.apache.pig.tools.grunt.ConsoleReaderInputStream;
import org.apache.pig.tools.grunt.GruntParser;
import org.apache.pig.tools.grunt.PigCompletor;
import org.apache.pig.tools.grunt.PigCompletorAliases;

/** The Grunt shell: Pig's own, with a history, completion, and errors of one line. */
final class Shell {
    private final PigContext context;
    private final Console console;
    private final LogFile log;
    private final RunListener listener;
    private final TaskFailures failures;
    private final String prelude;

    Shell(PigContext context, Console console, LogFile log, RunListener listener, TaskFailures failures, String prelude) {
        this.context = context;
        this.console = console;
        this.log = log;
        this.listener = listener;
        this.failures = failures;
        this.prelude = prelude;
    }

    int run() throws IOException {
        ConsoleReader reader = new ConsoleReader(System.in, System.out);
        reader.setExpandEvents(false);
        reader.setPrompt("grunt> ");
        FileHistory history = new FileHistory(new File(System.getProperty("user.home"), ".pig_history"));
        reader.setHistory(history);
        Server server = new Server(context);
        if (!prelude.isEmpty()) {
            server.prelude(prelude);
        }
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(new ConsoleReaderInputStream(reader), StandardCharsets.UTF_8));
        GruntParser parser = new GruntParser(lines, server);
        parser.setConsoleReader(reader);
        reader.addCompleter(new PigCompletorAliases(server));
        reader.addCompleter(new PigCompletor());
        parser.setInteractive(true);
        log.echo(console);
        console.line("Pig Latin, a statement a line or more, each with a semicolon; help, quit. Log: " + log.path());
        while (true) {
            try {
                parser.parseStopOnError();
                break;
            } catch (Throwable problem) {
                say(problem);
                parser.ReInit(lines);
            }
        }
        history.flush();
        return Main.DONE;
    }

    private void say(Throwable problem) {
        Failure failure = Failure.of(problem, listener.failure(), failures.last());
        console.line("pig: " + failure.shellLine());
        log.failure(failure.problem);
        listener.sayWarnings();
        failures.forget();
        listener.forget();
    }
}
