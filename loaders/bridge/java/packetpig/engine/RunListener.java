package packetpig.engine;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.hadoop.mapred.Counters;
import org.apache.pig.impl.plan.OperatorPlan;
import org.apache.pig.tools.pigstats.JobStats;
import org.apache.pig.tools.pigstats.OutputStats;
import org.apache.pig.tools.pigstats.PigProgressNotificationListener;
import org.apache.pig.tools.pigstats.PigStats;
import packetpig.bridge.Progress;
import packetpig.bridge.Warnings;

/** Follows the jobs of a run: how far they are, what they wrote, what their counters say. */
final class RunListener implements PigProgressNotificationListener {
    /** The bridge's counters. */
    private static final String GROUP = "packetpig";
    private static final String WARNINGS = "warnings";
    /** Zero when neighbouring splits of a capture agree on where one ends and the next begins (docs/bridge.md). */
    private static final String BALANCE = "split balance";
    /** Counts splits that were not read to their end (LIMIT); then the balance says nothing. */
    private static final String STOPPED = "splits stopped early";
    /** Where Pig puts what DUMP is going to print. */
    private static final Pattern FOR_DUMP = Pattern.compile("/temp-?[0-9]+/tmp-?[0-9]+$");

    private final Options options;
    private final Console console;
    private final Outputs outputs;
    private final Map<String, Long> counters = new TreeMap<>();
    private final List<String> unbalanced = new ArrayList<>();
    private final List<String> written = new ArrayList<>();
    private volatile boolean running;
    private volatile int percent;
    private volatile int jobs;
    private volatile int jobsDone;
    private JobStats failure;
    private boolean trusted = true;

    RunListener(Options options, Console console, Outputs outputs) {
        this.options = options;
        this.console = console;
        this.outputs = outputs;
    }

    @Override
    public void initialPlanNotification(String script, OperatorPlan<?> plan) {
        outputs.begin(plan);
    }

    @Override
    public void launchStartedNotification(String script, int count) {
        jobs = count;
        jobsDone = 0;
        percent = 0;
        Progress.reset();
        running = true;
    }

    @Override
    public void jobsSubmittedNotification(String script, int count) {
        // jobStartedNotification follows
    }

    @Override
    public void jobStartedNotification(String script, String job) {
        // the progress line looks at percent and jobsDone
    }

    @Override
    public synchronized void jobFinishedNotification(String script, JobStats job) {
        jobsDone++;
        Counters found = job.getHadoopCounters();
        if (found == null) {
            return;
        }
        found.getGroup(GROUP).forEach(counter -> counters.merge(counter.getName(), counter.getValue(), Long::sum));
        Counters.Group group = found.getGroup(GROUP);
        if (group.getCounter(BALANCE) != 0 && group.getCounter(STOPPED) == 0) {
            unbalanced.add(job.getJobId());
        }
    }

    @Override
    public synchronized void jobFailedNotification(String script, JobStats job) {
        jobsDone++;
        if (failure == null) {
            failure = job;
        }
    }

    @Override
    public synchronized void outputCompletedNotification(String script, OutputStats output) {
        if (!output.isSuccessful() || FOR_DUMP.matcher(output.getLocation()).find()) {
            return;
        }
        long rows = output.getNumberRecords();
        String count = rows < 0 ? "written" : rows == 1 ? "1 row" : rows + " rows";
        written.add(shortened(output.getLocation()) + ": " + count);
    }

    @Override
    public void progressUpdatedNotification(String script, int progress) {
        percent = progress;
    }

    @Override
    public synchronized void launchCompletedNotification(String script, int succeeded) {
        for (JobStats job : PigStats.get().getJobGraph()) {
            if (failure == null && !job.isSuccessful()) { // Tez says nothing of jobs that could not even begin
                failure = job;
            }
        }
        running = false;
        console.clear();
        sayWarnings();
        if (!unbalanced.isEmpty()) {
            trusted = false;
            outputs.remove();
            console.line("pig: " + (options.script == null ? "" : options.script + ", ") + String.join(", ", unbalanced)
                + ": the parts into which a capture was cut do not fit together, so the result is not to be trusted"
                + " and was removed;\n  run again with -D packetpig.split.bytes=0 (captures uncut)");
            unbalanced.clear();
        }
        if (trusted) {
            written.forEach(console::line);
        }
        written.clear();
        outputs.end();
    }

    /** On a cluster the tasks' warnings stay in the tasks' logs: here only how many there are. */
    synchronized void sayWarnings() {
        Warnings.drain().forEach(line -> console.line("warning: " + line));
        Long count = counters.remove(WARNINGS);
        if (!options.isLocal() && count != null && count > 0) {
            console.line("warning: " + count + " about captures: see the logs of the tasks");
        }
    }

    boolean running() {
        return running;
    }

    int percent() {
        return percent;
    }

    /** "job 2 of 3", or nothing where there is one. */
    String stage() {
        return jobs > 1 ? "job " + Math.min(jobsDone + 1, jobs) + " of " + jobs : "";
    }

    synchronized boolean failed() {
        return failure != null;
    }

    synchronized JobStats failure() {
        return failure;
    }

    /** Before the next statements of a shell. */
    synchronized void forget() {
        failure = null;
    }

    /** Whether the splits of all captures fitted together. */
    synchronized boolean trusted() {
        return trusted;
    }

    /** A local path as the user would write it. */
    private static String shortened(String location) {
        String path = location.startsWith("file:") ? location.replaceFirst("^file:/+", "/") : location;
        if (!path.startsWith("/")) {
            return path;
        }
        Path here = Paths.get("").toAbsolutePath();
        Path there = Paths.get(path);
        return there.startsWith(here) && !there.equals(here) ? here.relativize(there).toString() : path;
    }
}
