package packetpig.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.Options.OpenFileOptions;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.InputFormat;
import org.apache.hadoop.mapreduce.InputSplit;
import org.apache.hadoop.mapreduce.JobContext;
import org.apache.hadoop.mapreduce.RecordReader;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.hadoop.util.functional.FutureIO;
import org.apache.pig.data.Tuple;
import org.apache.pig.impl.util.Utils;

/** Plans the tasks over a location's captures, and makes their readers. */
final class CaptureInputFormat extends InputFormat<Void, Tuple> {
    /** Bytes a task should read; 0: captures are never cut. */
    static final String SPLIT_BYTES = "packetpig.split.bytes";
    private static final String SENSOR = "sensor";

    private static final long LOCAL_SMALLEST = 16L << 20;
    private static final long LOCAL_LARGEST = 1L << 30;
    private static final long CLUSTER_CUT = 256L << 20;
    private static final long CLUSTER_WHOLE = 1L << 30;
    private static final int HOSTS = 3;
    private static final int LOOKS_AT_ONCE = 16;
    private static final int MAGIC = 4;

    private final WorkerJob job;

    CaptureInputFormat(WorkerJob job) {
        this.job = job;
    }

    @Override
    public RecordReader<Void, Tuple> createRecordReader(InputSplit split, TaskAttemptContext context) {
        return new CaptureReader(job, (CaptureSplit) split, context.getConfiguration());
    }

    @Override
    public List<InputSplit> getSplits(JobContext context) throws IOException {
        Configuration conf = context.getConfiguration();
        CaptureList list = job.list(conf);
        List<Capture> captures = list.captures();
        long total = captures.stream().mapToLong(Capture::length).sum();
        Progress.totalBytes.addAndGet(total);
        boolean wholeSensors = job.wholeSensors() || SENSOR.equals(conf.getTrimmed(SPLIT_BYTES));
        long wanted = wholeSensors ? -1 : conf.getLongBytes(SPLIT_BYTES, -1);
        boolean local = isLocal(conf);
        long target = wanted > 0 ? wanted : local ? localTarget(total, conf) : clusterTarget();
        boolean cuts = job.cuts() && wanted != 0;
        List<InputSplit> splits = new ArrayList<>();
        if (wholeSensors) {
            Map<String, List<Capture>> sensors = new TreeMap<>();
            captures.forEach(one -> sensors.computeIfAbsent(one.sensor, name -> new ArrayList<>()).add(one));
            for (List<Capture> task : sensors.values()) {
                splits.add(new CaptureSplit(task, hosts(task, list)));
            }
            return splits;
        }
        Map<Capture, Boolean> plain = cuts ? lookAhead(captures, target, conf) : Map.of();
        SplitPlan plan = new SplitPlan(target, local && wanted <= 0, capture -> cuts
                && (plain.containsKey(capture) ? plain.get(capture) : isPlainPcap(capture, conf)));
        for (List<Capture> task : plan.of(captures)) {
            splits.add(new CaptureSplit(task, hosts(task, list)));
        }
        return splits;
    }

    private static boolean isLocal(Configuration conf) {
        return Utils.isLocal(conf) || conf.getBoolean("tez.local.mode", false);
    }

    /** Every core has the same share, and no task is so small that Python's start would count. */
    static long localTarget(long total, Configuration conf) {
        int processors = Runtime.getRuntime().availableProcessors();
        int cores = Math.max(1, Math.min(processors, conf.getInt("mapreduce.local.map.tasks.maximum", processors)));
        long rounds = Math.max(1, (total + cores * LOCAL_LARGEST - 1) / (cores * LOCAL_LARGEST));
        long tasks = rounds * cores;
        return Math.max(LOCAL_SMALLEST, (total + tasks - 1) / tasks);
    }

    private long clusterTarget() {
        return job.cuts() ? CLUSTER_CUT : CLUSTER_WHOLE;
    }

    /** Only a pcap says by its structure where a next record may begin; all else is read from its start. */
    private static boolean isPlainPcap(Capture capture, Configuration conf) {
        byte[] magic = new byte[MAGIC];
        try (InputStream in = open(capture, conf)) {
            if (in.readNBytes(magic, 0, MAGIC) < MAGIC) {
                return false;
            }
        } catch (IOException e) {
            return false;    // whoever reads it says what is wrong
        }
        switch (ByteBuffer.wrap(magic).getInt()) {
            case 0xA1B2C3D4:
            case 0xD4C3B2A1:
            case 0xA1B23C4D:
            case 0x4D3CB2A1:
                return true;
            default:
                return false;
        }
    }

    /** Looks into many far captures at once: one after the other, an object store would take minutes. */
    private static Map<Capture, Boolean> lookAhead(List<Capture> captures, long target, Configuration conf)
            throws IOException {
        Map<Capture, Boolean> plain = new ConcurrentHashMap<>();
        List<Capture> far = new ArrayList<>();
        for (Capture capture : captures) {
            if (capture.local == null && capture.length() > target / 2) {
                far.add(capture);
            }
        }
        ForkJoinPool pool = new ForkJoinPool(Math.max(1, Math.min(far.size(), LOOKS_AT_ONCE)));
        try {
            pool.submit(() -> far.parallelStream().forEach(c -> plain.put(c, isPlainPcap(c, conf)))).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IOException("cannot look into the captures: " + e.getMessage());
        } finally {
            pool.shutdown();
        }
        return plain;
    }

    private static InputStream open(Capture capture, Configuration conf) throws IOException {
        if (capture.local != null) {
            return java.nio.file.Files.newInputStream(java.nio.file.Path.of(capture.local));
        }
        Path path = new Path(capture.path);
        return FutureIO.awaitFuture(path.getFileSystem(conf).openFile(path)
                .opt(OpenFileOptions.FS_OPTION_OPENFILE_READ_POLICY, "random")
                .optLong(OpenFileOptions.FS_OPTION_OPENFILE_LENGTH, Math.min(capture.size, MAGIC))
                .build());
    }

    /** The hosts with most of a task's bytes. */
    private static String[] hosts(List<Capture> task, CaptureList list) throws IOException {
        Map<String, Long> bytes = new HashMap<>();
        for (Capture capture : task) {
            for (BlockLocation block : list.blocks(capture)) {
                long from = Math.max(capture.start, block.getOffset());
                long to = Math.min(capture.end, block.getOffset() + block.getLength());
                if (to > from) {
                    for (String host : block.getHosts()) {
                        bytes.merge(host, to - from, Long::sum);
                    }
                }
            }
        }
        bytes.remove("localhost");    // what object stores say, for nowhere in particular
        return bytes.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(HOSTS).map(Map.Entry::getKey).toArray(String[]::new);
    }
}
