package packetpig.engine;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.logging.LogManager;
import java.util.stream.Collectors;
import org.apache.log4j.Level;
import org.apache.log4j.Logger;
import org.apache.log4j.PatternLayout;
import org.apache.log4j.WriterAppender;

/** The run's log: everything that Pig and Hadoop have to say. The newest ones are kept in build/logs. */
final class LogFile {
    private static final int KEPT = 30;
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

    private final Path file;
    private final Stream stream;

    private LogFile(Path file, Stream stream) {
        this.file = file;
        this.stream = stream;
    }

    static LogFile open(Options options) throws IOException {
        Path file;
        if (options.logFile != null) {
            file = Paths.get(options.logFile).toAbsolutePath();
        } else {
            Path folder = folder();
            forgetOld(folder);
            file = folder.resolve("pig-" + STAMP.format(LocalDateTime.now()) + "-" + ProcessHandle.current().pid() + ".log");
        }
        Stream stream = new Stream(new FileOutputStream(file.toFile(), true));
        LogManager.getLogManager().reset(); // java.util.logging would write to the console
        Logger root = Logger.getRootLogger();
        root.removeAllAppenders();
        root.addAppender(new WriterAppender(new PatternLayout("%d{ISO8601} %-5p [%t] %c{1}: %m%n"), stream));
        root.setLevel(Level.INFO);
        return new LogFile(file, stream);
    }

    private static Path folder() throws IOException {
        String set = System.getenv("PACKETPIG_LOGS");
        Path wanted = set != null && !set.isEmpty() ? Paths.get(set).toAbsolutePath()
            : Paths.get(System.getProperty("packetpig.root", "."), "build", "logs").toAbsolutePath();
        try {
            Files.createDirectories(wanted);
        } catch (IOException readOnly) {
            // asked below
        }
        return Files.isWritable(wanted) ? wanted
            : Files.createDirectories(Paths.get(System.getProperty("user.home"), ".packetpig", "logs"));
    }

    private static void forgetOld(Path folder) throws IOException {
        List<Path> logs;
        try (java.util.stream.Stream<Path> files = Files.list(folder)) {
            logs = files.filter(file -> file.getFileName().toString().matches("pig-[0-9]{8}-[0-9]{6}-[0-9]+\\.log"))
                .sorted().collect(Collectors.toList());
        }
        for (Path log : logs.subList(0, Math.max(0, logs.size() - KEPT))) {
            Files.deleteIfExists(log);
        }
    }

    /** For all that would otherwise be printed on the console. */
    PrintStream stream() {
        return stream;
    }

    /** From now on, what the main thread prints on standard error is shown, too (the shell's fs command does). */
    void echo(Console console) {
        stream.main = Thread.currentThread();
        stream.console = console;
    }

    /** The newest line that was printed on standard error, not logged; or null. */
    String lastPrinted() {
        return stream.last;
    }

    Path path() {
        return file;
    }

    /** Notes the whole of a failure, of which the console shows a line. */
    void failure(Throwable problem) {
        problem.printStackTrace(stream);
    }

    void close() {
        stream.flush();
    }

    private static final class Stream extends PrintStream {
        private volatile String last;
        private volatile Thread main;
        private volatile Console console;

        Stream(OutputStream out) {
            super(out, true, StandardCharsets.UTF_8);
        }

        @Override
        public void println(String line) {
            last = line;
            if (Thread.currentThread() == main) {
                console.line(line);
            }
            super.println(line);
        }
    }
}
