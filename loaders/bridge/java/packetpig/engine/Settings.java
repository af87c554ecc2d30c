package packetpig.engine;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.mapreduce.MRJobConfig;
import org.apache.pig.backend.hadoop.HKerberos;
import org.apache.pig.backend.hadoop.datastorage.ConfigurationUtil;
import org.apache.pig.impl.util.PropertiesUtil;

/** What Pig, Hadoop and Tez are told; docs/engine.md has the reasons. The user's own properties win. */
final class Settings {
    private static final int BYTES_PER_REDUCER = 256_000_000;
    /** Bytes of rows a task, of what one job left for the next: even a few megabytes are shared by the cores. */
    private static final int ROWS_PER_TASK = 4 << 20;
    private static final int JOBS_AT_ONCE = 4;
    private static final String REALMS = "java.security.krb5.conf";

    private final Options options;
    private final Workspace workspace;
    private final File root = new File(System.getProperty("packetpig.root", "."));
    private final Properties properties = new Properties();

    private Settings(Options options, Workspace workspace) {
        this.options = options;
        this.workspace = workspace;
    }

    static Properties of(Options options, Workspace workspace) throws IOException {
        Settings settings = new Settings(options, workspace);
        PropertiesUtil.loadDefaultProperties(settings.properties);
        settings.always();
        if (options.isLocal()) {
            settings.local();
        } else {
            settings.cluster();
        }
        settings.users();
        if (!options.isLocal()) {
            settings.workingFolder();
        }
        return settings.properties;
    }

    private void set(String name, Object value) {
        properties.setProperty(name, value.toString());
    }

    private void always() {
        set("exectype", options.mode);
        set("udf.import.list", "packetpig.:packetpig.udfs.:packetpig.bridge.");
        set("pig.logfile", workspace.path("pig.log"));
        set("verbose", options.verbose);
        set("pig.script.info.enabled", "false");
        set("fs.s3a.input.stream.type", "classic"); // reads the ranges that are asked for, and no more
        set("pig.exec.mapPartAgg", "true");
        // jobs are looked at often: short ones do not wait for the next look
        set("pig.jobcontrol.sleep", options.isLocal() ? 10 : 500);
        set("mapreduce.client.completion.pollinterval", options.isLocal() ? 10 : 500);
        set("pig.streaming.udf.python.command", "python3");
    }

    private void local() {
        int cores = Runtime.getRuntime().availableProcessors();
        set("mapreduce.local.map.tasks.maximum", cores);
        set("mapreduce.local.reduce.tasks.maximum", cores);
        set("pig.exec.reducers.max", cores);
        set("pig.exec.reducers.bytes.per.reducer", BYTES_PER_REDUCER);
        set("pig.maxCombinedSplitSize", ROWS_PER_TASK);
        set("mapreduce.task.io.sort.mb", sortBuffer(cores));
        set("fs.file.impl", PlainLocalFileSystem.class.getName());
        set("hadoop.tmp.dir", workspace.path("hadoop"));
        set("pig.temp.dir", workspace.path("pig"));
        set("tez.staging-dir", workspace.path("tez"));
        set("tez.runtime.optimize.local.fetch", "true");
        set("tez.ignore.lib.uris", "true");
        set("tez.am.task.max.failed.attempts", 1); // what fails here once fails again
    }

    /** Megabytes in which a map task sorts its rows: a quarter of the heap for all tasks together, within reason; a
     * script may have some jobs at once, each with a task a core. Each task clears it before it begins, so a large one
     * costs short jobs more than it saves the long ones, which add up what they can before they sort. */
    private static long sortBuffer(int cores) {
        long share = Runtime.getRuntime().maxMemory() / 4 / JOBS_AT_ONCE / cores / (1 << 20);
        return Math.max(16, Math.min(64, share));
    }

    private void cluster() {
        if (!given("HADOOP_CONF_DIR")) {
            if (!options.properties.containsKey("fs.defaultFS")) {
                throw new UsageException("-x " + options.mode + " needs a cluster: set HADOOP_CONF_DIR to the"
                    + " folder of its configuration, or start one on this machine with `make cluster-up`");
            }
            set("pig.use.overriden.hadoop.configs", "true");
        }
        set("pig.additional.jars", files("build/jars", ":"));
        set("yarn.resourcemanager.connect.max-wait.ms", 60_000); // for a quarter of an hour otherwise
        if (!given("HADOOP_HOME")) { // no Hadoop installed: containers run on the engine's own jars
            String engine = new File(root, "build/lib").getAbsolutePath() + "/*";
            set("mapreduce.application.classpath", engine);
            set("yarn.application.classpath", engine);
            set("tez.ignore.lib.uris", "true");
            set("tez.cluster.additional.classpath.prefix", engine);
        }
    }

    /**
     * The user's folder, where relative paths begin. Hadoop would name its file system, too, and Pig then could read
     * from no other: S3's refuses the folder of another one.
     */
    private void workingFolder() throws IOException {
        String realms = properties.getProperty(REALMS);
        if (realms != null) { // Java looks once, and before Pig would tell it
            System.setProperty(REALMS, realms);
        }
        Configuration conf = ConfigurationUtil.toConfiguration(properties);
        HKerberos.tryKerberosKeytabLogin(conf);
        String home = FileSystem.get(conf).getHomeDirectory().toUri().getPath();
        properties.putIfAbsent(MRJobConfig.WORKING_DIR, home);
    }

    private static boolean given(String variable) {
        String value = System.getenv(variable);
        return value != null && !value.isEmpty();
    }

    private void users() throws IOException {
        for (String file : options.propertyFiles) {
            try (InputStream in = new FileInputStream(file)) {
                properties.load(in);
            } catch (FileNotFoundException problem) {
                throw new UsageException(file + ": no such file");
            }
        }
        options.properties.forEach(this::set);
    }

    private String files(String folder, String separator) {
        File[] found = new File(root, folder).listFiles((in, name) -> name.endsWith(".jar"));
        List<File> jars = found == null ? new ArrayList<>() : Arrays.asList(found);
        return jars.stream().map(File::getAbsolutePath).sorted().collect(Collectors.joining(separator));
    }
}
