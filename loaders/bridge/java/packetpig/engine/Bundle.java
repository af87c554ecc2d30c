package packetpig.engine;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * The archive of {@code make bundle}, out of which containers run: Pig, Python, its packages and ours. It is put into
 * the user's folder of the cluster's file system once, under its digest, and from there the distributed cache brings it
 * to each node once (docs/engine.md).
 */
final class Bundle {
    /** Where it lies already, on a file system of the cluster; or "none": nodes have what they need. */
    static final String PROPERTY = "packetpig.bundle";
    static final String NONE = "none";

    private static final String LINK = "packetpig";
    private static final String ENGINE = "$PWD/" + LINK + "/engine/*";
    /** Expanded where the container starts; YARN's own script before that takes it as it stands, and needs the usual. */
    private static final String PATH_THERE = "{{PWD}}/" + LINK + "/bin:{{PATH}}"
        + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final String PYTHON_THERE = "{{PWD}}/" + LINK + "/bin/python3";
    private static final String PYTHON_VARIABLE = "PACKETPIG_TASK_PYTHON";
    private static final short COPIES = 10;
    private static final long OLD_MS = 7L * 24 * 3600 * 1000;

    private final Properties properties;
    private final Configuration conf = new Configuration();
    private final File root = new File(System.getProperty("packetpig.root", "."));
    private final File here = new File(root, "build/bundle/packetpig.tar.gz");

    private Bundle(Properties properties) {
        this.properties = properties;
        properties.stringPropertyNames().forEach(name -> conf.set(name, properties.getProperty(name)));
    }

    /** Lets containers run out of the bundle, if there is one. */
    static void use(Properties properties, Console console) throws IOException {
        Bundle bundle = new Bundle(properties);
        String place = bundle.conf.getTrimmed(PROPERTY, "");
        if (place.isEmpty() && bundle.here.exists()) {
            place = bundle.ship(console).toString();
        }
        if (!place.isEmpty() && !place.equals(NONE)) {
            bundle.configure(place + "#" + LINK);
        }
    }

    /** That of a project that has changed since is made anew. */
    private void renew() throws IOException {
        Process making = new ProcessBuilder(new File(root, "bin/bundle").getPath())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        making.getOutputStream().close();
        try {
            if (making.waitFor() != 0) {
                throw new IOException("the bundle cannot be made; `make bundle` says why");
            }
        } catch (InterruptedException e) {
            making.destroy();
            Thread.currentThread().interrupt();
            throw new IOException("stopped while the bundle was made", e);
        }
    }

    private Path ship(Console console) throws IOException {
        renew();
        FileSystem files = FileSystem.get(conf);
        Path folder = new Path(files.getHomeDirectory(), ".packetpig");
        String digest = Files.readString(here.toPath().resolveSibling(here.getName() + ".sha256")).strip();
        Path there = new Path(folder, "bundle-" + digest.substring(0, 16) + ".tar.gz");
        if (files.exists(there)) {
            noteUse(files, there);
            return there;
        }
        console.line("the bundle (" + (here.length() >> 20) + " MB) goes to " + there + ", once");
        FileSystem.mkdirs(files, folder, new FsPermission((short) 0700));
        Path half = new Path(folder, "half-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
        try {
            files.copyFromLocalFile(false, true, new Path(here.toURI()), half);
            files.setReplication(half, COPIES);
            if (!files.rename(half, there) && !files.exists(there)) {
                throw new IOException("the bundle cannot be put at " + there);
            }
        } finally {
            files.delete(half, false);
        }
        for (FileStatus other : files.listStatus(folder)) { // no job of today runs on those
            long used = Math.max(other.getModificationTime(), other.getAccessTime());
            if (!other.getPath().equals(there) && used < System.currentTimeMillis() - OLD_MS) {
                files.delete(other.getPath(), false);
            }
        }
        return there;
    }

    /** In the time of access: were that of modification another one, YARN would refuse the bundle to jobs that run. */
    private static void noteUse(FileSystem files, Path bundle) {
        try {
            files.setTimes(bundle, -1, System.currentTimeMillis());
        } catch (IOException ignored) {
            // a file system without such times: there, a bundle goes a week after it came
        }
    }

    private void configure(String link) {
        properties.remove("tez.ignore.lib.uris");
        properties.remove("tez.cluster.additional.classpath.prefix");
        properties.setProperty("mapreduce.application.framework.path", link);
        properties.setProperty("mapreduce.application.classpath", ENGINE);
        properties.setProperty("yarn.application.classpath", ENGINE);
        properties.setProperty("tez.lib.uris", link);
        properties.setProperty("tez.lib.uris.classpath", ENGINE);
        for (String part : new String[] {"mapreduce.map.env", "mapreduce.reduce.env", "yarn.app.mapreduce.am.env"}) {
            properties.setProperty(part + ".PATH", PATH_THERE);
            properties.setProperty(part + "." + PYTHON_VARIABLE, PYTHON_THERE);
        }
        for (String part : new String[] {"tez.task.launch.env", "tez.am.launch.env"}) {
            String others = conf.getTrimmed(part, "");
            properties.setProperty(part, (others.isEmpty() ? "" : others + ",") + "PATH=" + PATH_THERE + ","
                + PYTHON_VARIABLE + "=" + PYTHON_THERE);
        }
    }
}
