package packetpig.engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.pig.backend.hadoop.datastorage.ConfigurationUtil;
import org.apache.pig.backend.hadoop.executionengine.mapReduceLayer.plans.MROperPlan;
import org.apache.pig.backend.hadoop.executionengine.mapReduceLayer.MapReduceOper;
import org.apache.pig.backend.hadoop.executionengine.physicalLayer.plans.PhysicalPlan;
import org.apache.pig.backend.hadoop.executionengine.physicalLayer.relationalOperators.POStore;
import org.apache.pig.backend.hadoop.executionengine.physicalLayer.util.PlanHelper;
import org.apache.pig.backend.hadoop.executionengine.tez.plan.TezOperator;
import org.apache.pig.backend.hadoop.executionengine.tez.plan.TezPlanContainer;
import org.apache.pig.backend.hadoop.executionengine.tez.plan.TezPlanContainerNode;
import org.apache.pig.impl.plan.OperatorPlan;
import org.apache.pig.impl.plan.VisitorException;

/**
 * The folders that the running jobs write: complete, or absent. Pig takes them away when a job fails, but leaves halves
 * when the run is stopped; so this does, at exit. Pig made sure beforehand that they did not exist.
 */
final class Outputs {
    /** Before Hadoop closes its file systems (10), after Pig has killed its jobs. */
    private static final int BEFORE_FILE_SYSTEMS = 20;

    private final List<String> running = new ArrayList<>();
    private final Runnable atExit = this::removeHalves;
    private Properties properties;

    void removeHalvesAtExit(Properties settings) {
        properties = settings;
        ShutdownHookManager.get().addShutdownHook(atExit, BEFORE_FILE_SYSTEMS);
    }

    /** Nothing is to be done at exit any more. Throws IllegalStateException where the process exits already. */
    void forgetAtExit() {
        ShutdownHookManager.get().removeShutdownHook(atExit);
    }

    synchronized void begin(OperatorPlan<?> plan) {
        try {
            if (plan instanceof MROperPlan) {
                for (MapReduceOper job : (MROperPlan) plan) {
                    add(job.mapPlan);
                    add(job.reducePlan);
                }
            } else if (plan instanceof TezPlanContainer) {
                for (TezPlanContainerNode dag : (TezPlanContainer) plan) {
                    for (TezOperator vertex : dag.getTezOperPlan()) {
                        add(vertex.plan);
                    }
                }
            }
        } catch (VisitorException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private void add(PhysicalPlan plan) throws VisitorException {
        for (POStore store : PlanHelper.getPhysicalOperators(plan, POStore.class)) {
            if (!store.isTmpStore() && store.getSFile() != null) {
                running.add(store.getSFile().getFileName());
            }
        }
    }

    /** The jobs are over; what they left, they left on purpose. */
    synchronized void end() {
        running.clear();
    }

    /** Takes away what the jobs wrote, since it is not to be trusted. */
    synchronized void remove() {
        removeWhere((files, folder) -> true);
    }

    private synchronized void removeHalves() {
        removeWhere((files, folder) -> files.exists(new Path(folder, "_temporary"))
            && !files.exists(new Path(folder, "_SUCCESS")));
    }

    private void removeWhere(Condition condition) {
        Configuration configuration = ConfigurationUtil.toConfiguration(properties);
        for (String location : running) {
            try {
                Path folder = new Path(location);
                FileSystem files = folder.getFileSystem(configuration);
                if (condition.holds(files, folder)) {
                    files.delete(folder, true);
                }
            } catch (IOException | IllegalArgumentException ignored) {
                // not a folder (a database, …), or not to be had any more
            }
        }
    }

    private interface Condition {
        boolean holds(FileSystem files, Path folder) throws IOException;
    }
}
