package org.apache.pig.tools.pigstats;

import org.apache.hadoop.mapreduce.Counter;
import org.apache.hadoop.mapreduce.StatusReporter;
import org.apache.hadoop.util.Progressable;
import org.apache.pig.backend.hadoop.executionengine.TaskContext;

/**
 * Stands in for Pig's class of this name, which knows one task at a time: where tasks run beside each other in one
 * process, as in local mode, what one counts goes to the one that began last, and is lost when that is over. Here each
 * thread counts for its own task; a thread that has none, for the one that began last. {@code TaskCounters} puts it in
 * place.
 */
public class PigStatusReporter extends StatusReporter implements Progressable, PigWarnCounter {
    private static final PigStatusReporter ONLY = new PigStatusReporter();

    private final ThreadLocal<TaskContext<?>> own = new ThreadLocal<>();
    private volatile TaskContext<?> last;

    private PigStatusReporter() {
    }

    public static PigStatusReporter getInstance() {
        return ONLY;
    }

    /** Pig begins anew. */
    public static void staticDataCleanup() {
        ONLY.setContext(null);
    }

    /** The task that this thread is at work for. */
    public void setContext(TaskContext<?> context) {
        own.set(context);
        last = context;
    }

    private TaskContext<?> context() {
        TaskContext<?> context = own.get();
        return context == null ? last : context;
    }

    @Override
    public Counter getCounter(Enum<?> name) {
        TaskContext<?> context = context();
        return context == null ? null : context.getCounter(name);
    }

    @Override
    public Counter getCounter(String group, String name) {
        TaskContext<?> context = context();
        return context == null ? null : context.getCounter(group, name);
    }

    public boolean incrCounter(Enum<?> name, long by) {
        TaskContext<?> context = context();
        return context != null && context.incrCounter(name, by);
    }

    public boolean incrCounter(String group, String name, long by) {
        TaskContext<?> context = context();
        return context != null && context.incrCounter(group, name, by);
    }

    @Override
    public boolean incrWarnCounter(Enum<?> name, Object by) {
        return incrCounter(name, (Long) by);
    }

    @Override
    public boolean incrWarnCounter(String group, String name, Object by) {
        return incrCounter(group, name, (Long) by);
    }

    @Override
    public void progress() {
        TaskContext<?> context = context();
        if (context != null) {
            context.progress();
        }
    }

    @Override
    public void setStatus(String status) {
        TaskContext<?> context = context();
        if (context != null) {
            context.setStatus(status);
        }
    }

    @Override
    public float getProgress() {
        TaskContext<?> context = context();
        return context == null ? 0 : context.getProgress();
    }
}
