package packetpig.engine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.pig.PigException;
import org.apache.pig.tools.parameters.ParameterSubstitutionException;
import org.apache.pig.tools.pigstats.JobStats;

/** What a user needs to hear about an exception: the innermost message, and where in the script. */
final class Failure {
    private static final String TRACE = "\n\tat ";
    private static final Pattern CLASS = Pattern.compile(
        "^(?:Error: |Caused by: |Exception in thread \"[^\"]*\" )?(?:[a-z][\\w$]*\\.)+(?:[A-Z][\\w]*\\$)?([A-Z]\\w*): ");
    /** Exceptions whose message says nothing without their name. */
    private static final Pattern NEEDS_NAME =
        Pattern.compile("\\w*(?:NotFoundException|Error|NullPointerException|ClassCastException|BoundsException)");
    private static final int LINES = 3;
    private static final Pattern WRAPPING = Pattern.compile(
        "^(?:ERROR \\d+: |Unable to recreate exception from backed error: |Error during parsing\\. |AttemptID:\\S+ Info:|Error: )+");
    /** Tez: "Vertex failed, … diagnostics=[… attempt_1_2:java.io.IOException: the reason". */
    private static final Pattern ATTEMPT = Pattern.compile("^.*?\\battempt_\\w+:(?=[a-z])", Pattern.DOTALL);
    private static final Pattern EXISTS = Pattern.compile("Output directory (\\S+) already exists");
    private static final Pattern MISSING = Pattern.compile("Input (?:path does not exist|Pattern): ?(\\S+?)(?: matches 0 files)?$");
    private static final Pattern NO_FILE = Pattern.compile("^(\\S+) \\(No such file or directory\\)$");
    private static final Pattern UNDEFINED = Pattern.compile("Undefined parameter : (\\S+)");
    private static final Pattern UNRESOLVED = Pattern.compile("Could not resolve (\\S+) using imports: .*", Pattern.DOTALL);

    final Throwable problem;
    final int code;
    private final Place place;
    private final String text;

    private Failure(Throwable problem, Place place, String text, int code) {
        this.problem = problem;
        this.place = place;
        this.text = text;
        this.code = code;
    }

    /**
     * @param problem what Pig threw, or null if it only says that a job failed
     * @param job the job that failed, or null
     * @param task why a task of it failed, as far as it was heard in this process; or null
     */
    static Failure of(Throwable problem, JobStats job, Throwable task) {
        Place place = problem == null ? null : place(problem);
        if (place != null) {
            return new Failure(problem, place, tidy(place.problem()), isUsage(problem) ? Main.USAGE : Main.FAILED);
        }
        if (task != null) {
            return new Failure(task, null, message(task), Main.FAILED);
        }
        if (job != null) {
            return ofJob(job);
        }
        return new Failure(problem, null, message(problem), isUsage(problem) ? Main.USAGE : Main.FAILED);
    }

    /** Where the reason is a stack trace in the job's message (it could not be submitted), or in its exception. */
    private static Failure ofJob(JobStats job) {
        String text = String.valueOf(job.getErrorMessage());
        Throwable problem = job.getException();
        if (problem == null || text.contains(TRACE)) {
            problem = new IllegalStateException(text);
        }
        return new Failure(problem, null, message(problem), Main.FAILED);
    }

    /** One line (two at most) for the console. */
    String line(String script) {
        return place == null ? text : place.prefix(script) + text;
    }

    /** The same for the shell, where lines have no useful numbers. */
    String shellLine() {
        return place == null ? text : place.inMacro() + text;
    }

    String trace() {
        StringWriter trace = new StringWriter();
        problem.printStackTrace(new PrintWriter(trace, true));
        return trace.toString();
    }

    private static boolean isUsage(Throwable problem) {
        boolean usage = false;
        for (Throwable each : chain(problem)) {
            if (each instanceof UsageException || each instanceof ParameterSubstitutionException
                || each instanceof org.apache.pig.tools.pigscript.parser.ParseException
                || each instanceof org.apache.pig.tools.pigscript.parser.TokenMgrError
                || each instanceof org.apache.pig.tools.parameters.TokenMgrError
                || each instanceof org.apache.pig.tools.parameters.ParseException) {
                return true;
            }
            if (each instanceof PigException) {
                int number = ((PigException) each).getErrorCode();
                usage |= number >= 1000 && number < 2000;
                if (number >= 2000) { // the script was understood, then something was in the way
                    return false;
                }
            }
        }
        return usage;
    }

    /** From the innermost message that says where in the script it is, or null. */
    private static Place place(Throwable problem) {
        Place found = null;
        for (Throwable each : chain(problem)) {
            Place place = Place.in(each.getMessage());
            found = place == null ? found : place;
        }
        return found;
    }

    private static String message(Throwable problem) {
        List<Throwable> chain = chain(problem);
        for (int i = chain.size() - 1; i >= 0; i--) {
            String text = chain.get(i).getMessage();
            if (text != null && !text.isBlank()) {
                return tidy(chain.get(i).getClass().getName() + ": " + text);
            }
        }
        return chain.get(chain.size() - 1).toString();
    }

    /** Takes a message out of a printed stack trace and out of what Pig and Hadoop put around it. */
    static String tidy(String message) {
        String text = message.strip();
        int last = text.lastIndexOf("Caused by: ");
        if (last >= 0) {
            text = text.substring(last + "Caused by: ".length());
        }
        int trace = text.indexOf(TRACE);
        if (trace >= 0) {
            text = text.substring(0, trace);
        }
        text = ATTEMPT.matcher(text).replaceFirst("");
        String before;
        do {
            before = text;
            text = withoutClass(WRAPPING.matcher(text).replaceFirst("")).strip();
        } while (!before.equals(text));
        return known(text.lines().filter(line -> !line.isBlank()).limit(LINES).collect(Collectors.joining("\n  ")));
    }

    private static String withoutClass(String text) {
        Matcher match = CLASS.matcher(text);
        if (!match.find()) {
            return text;
        }
        String rest = text.substring(match.end());
        boolean keep = NEEDS_NAME.matcher(match.group(1)).matches() && !match.group(1).startsWith("FileNotFound");
        return keep ? match.group(1) + ": " + rest : rest;
    }

    /** Some failures are so common that they deserve words of their own. */
    private static String known(String text) {
        Matcher match = EXISTS.matcher(text);
        if (match.find()) {
            return path(match.group(1)) + ": exists already; remove it, or write elsewhere";
        }
        match = MISSING.matcher(text);
        if (match.find()) {
            return path(match.group(1)) + ": no such file or folder";
        }
        match = NO_FILE.matcher(text);
        if (match.find()) {
            return match.group(1) + ": no such file";
        }
        match = UNDEFINED.matcher(text);
        if (match.find()) {
            return "undefined parameter " + match.group(1) + ": give it a value with -p " + match.group(1) + "=…";
        }
        if (text.startsWith("OutOfMemoryError")) {
            return text + ": give Java more memory, for example with PACKETPIG_JAVA_OPTS=-Xmx8g";
        }
        match = UNRESOLVED.matcher(text);
        if (match.find()) {
            return "no loader or function is called " + match.group(1);
        }
        return text;
    }

    private static String path(String location) {
        return location.replaceFirst("^file:/+", "/");
    }

    private static List<Throwable> chain(Throwable problem) {
        List<Throwable> chain = new ArrayList<>();
        for (Throwable each = problem; each != null && !chain.contains(each); each = each.getCause()) {
            chain.add(each);
        }
        return chain;
    }
}
