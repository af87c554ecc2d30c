package packetpig.engine;

import java.util.List;
import org.apache.log4j.AppenderSkeleton;
import org.apache.log4j.Logger;
import org.apache.log4j.spi.LoggingEvent;

/**
 * In local mode Hadoop tells nobody why a task failed, nor Pig why a Tez job could not be submitted; they only write it
 * into the log. So this reads along.
 */
final class TaskFailures extends AppenderSkeleton {
    private static final List<Logger> LOGGERS = List.of(
        Logger.getLogger("org.apache.hadoop.mapred.LocalJobRunner"),
        Logger.getLogger("org.apache.pig.backend.hadoop.executionengine.tez.TezJob"));

    private Throwable last;

    private TaskFailures() {
    }

    static TaskFailures watch() {
        TaskFailures failures = new TaskFailures();
        LOGGERS.forEach(logger -> logger.addAppender(failures));
        return failures;
    }

    /** Reads no more. */
    void stop() {
        LOGGERS.forEach(logger -> logger.removeAppender(this));
    }

    /** The newest failure of a task, or null. */
    synchronized Throwable last() {
        return last;
    }

    synchronized void forget() {
        last = null;
    }

    @Override
    protected synchronized void append(LoggingEvent event) {
        if (event.getThrowableInformation() != null) {
            last = event.getThrowableInformation().getThrowable();
        }
    }

    @Override
    public void close() {
        // nothing is open
    }

    @Override
    public boolean requiresLayout() {
        return false;
    }
}
