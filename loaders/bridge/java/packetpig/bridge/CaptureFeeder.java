package packetpig.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Options.OpenFileOptions;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.functional.FutureIO;

/**
 * Answers a worker's requests for bytes of captures that only Hadoop's file systems can read, in a thread of its own:
 * the worker may be writing rows at the same time. Streams stay open, so that reading on costs no seek. An object store
 * is asked for a task's range of a capture at once, and no further; small pieces (the header, what a last record has
 * beyond the range) come through a stream of their own.
 */
final class CaptureFeeder {
    private static final Log LOG = LogFactory.getLog(CaptureFeeder.class);
    private static final int FRAME = 1 << 20;
    private static final int SMALL = 64 << 10;
    private static final int OPEN_STREAMS = 4;

    private final List<Capture> captures;
    private final Configuration conf;
    private final OutputStream out;
    private final LinkedBlockingQueue<long[]> requests = new LinkedBlockingQueue<>();
    private final byte[] frame = new byte[4 + FRAME];
    private final Map<Integer, FSDataInputStream> open = new LinkedHashMap<>(8, 0.75f, true);
    private Thread thread;

    CaptureFeeder(List<Capture> captures, Configuration conf, OutputStream out) {
        this.captures = captures;
        this.conf = conf;
        this.out = out;
    }

    /** Puts a request in the queue. */
    void read(long capture, long offset, long length) {
        requests.add(new long[] {capture, offset, length});
        if (thread == null) {
            thread = new Thread(this::serve, "bytes of captures");
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** Stops the thread. The worker's input must be closed already, or about to be. */
    void stop() {
        if (thread != null) {
            thread.interrupt();
        }
    }

    private void serve() {
        try {
            while (true) {
                long[] request = requests.take();
                answer(request[0], request[1], request[2]);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.debug("the worker reads no more", e);    // its rows' reader says why
        } finally {
            Thread.interrupted();
            open.values().forEach(CaptureFeeder::close);
        }
    }

    private void answer(long capture, long offset, long length) throws IOException {
        if (capture < 0 || capture >= captures.size() || offset < 0 || length < 0) {
            Frames.refusal(out, "no such bytes: capture " + capture + ", offset " + offset + ", length " + length);
            return;
        }
        boolean small = length <= SMALL || offset + length > captures.get((int) capture).end;
        long left = length;
        while (left > 0) {
            int got;
            try {
                got = fill(stream((int) capture, offset + length - left, small), (int) Math.min(FRAME, left));
            } catch (IOException | RuntimeException e) {
                LOG.warn("cannot read " + captures.get((int) capture).path, e);
                close(open.remove((int) capture));
                close(open.remove((int) ~capture));
                Frames.refusal(out, reason(e));
                return;
            }
            if (got == 0) {
                break;
            }
            ByteBuffer.wrap(frame).putInt(got);
            out.write(frame, 0, 4 + got);
            left -= got;
        }
        Frames.end(out);
    }

    private static String reason(Exception e) {
        if (e instanceof org.apache.hadoop.security.AccessControlException) {
            return "permission denied";
        } else if (e instanceof java.io.FileNotFoundException) {
            return "no such file";
        }
        return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
    }

    private int fill(FSDataInputStream in, int wanted) throws IOException {
        int got = 0;
        while (got < wanted) {
            int n = in.read(frame, 4 + got, wanted - got);
            if (n < 0) {
                break;
            }
            got += n;
        }
        return got;
    }

    private FSDataInputStream stream(int number, long offset, boolean small) throws IOException {
        Capture capture = captures.get(number);
        if (offset > capture.size) {
            throw new EOFException("offset " + offset + " lies behind the end");
        }
        int key = small && !capture.path.startsWith("hdfs:") ? ~number : number;
        FSDataInputStream stream = open.get(key);
        if (stream == null) {
            if (open.size() >= OPEN_STREAMS) {
                close(open.remove(open.keySet().iterator().next()));
            }
            stream = open(capture, key < 0);
            open.put(key, stream);
        }
        if (stream.getPos() != offset) {
            stream.seek(offset);
        }
        return stream;
    }

    private FSDataInputStream open(Capture capture, boolean pieces) throws IOException {
        Path path = new Path(capture.path);
        return FutureIO.awaitFuture(path.getFileSystem(conf).openFile(path)
                .opt(OpenFileOptions.FS_OPTION_OPENFILE_READ_POLICY, pieces ? "random" : "sequential")
                .optLong(OpenFileOptions.FS_OPTION_OPENFILE_LENGTH, pieces ? capture.size : capture.end)
                .build());
    }

    private static void close(FSDataInputStream stream) {
        if (stream != null) {
            try {
                stream.close();
            } catch (IOException e) {
                LOG.debug("a capture was closed already", e);
            }
        }
    }
}
