package packetpig.bridge;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.RecordWriter;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.hadoop.mapreduce.lib.output.FileOutputFormat;

/** Files of {@link PcapStorage}: pcap (draft-ietf-opsawg-pcap), little-endian, one a link type and task. */
final class PcapOutputFormat extends FileOutputFormat<Void, Void> {
    private static final int NANOSECONDS = 0xa1b23c4d;
    private static final int MICROSECONDS = 0xa1b2c3d4;
    /** Bytes of a frame: no capture that tcpdump or Wireshark make has longer ones. */
    private static final int ORDINARY = 262_144;
    /** Frames above go to a file of their own, whose header says that they may be so long. */
    private static final int LONGEST = 16_777_216;
    private static final long LATEST = (1L << 32) * 1_000_000_000L;

    @Override
    public RecordWriter<Void, Void> getRecordWriter(TaskAttemptContext context) {
        return new Writer(context);
    }

    /** Writes the packets of one task. */
    final class Writer extends RecordWriter<Void, Void> {
        private final TaskAttemptContext context;
        private final Map<String, OutputStream> files = new HashMap<>();
        private final ByteBuffer header = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);

        private Writer(TaskAttemptContext context) {
            this.context = context;
        }

        void count(String name) {
            context.getCounter(CaptureReader.COUNTERS, name).increment(1);
        }

        @Override
        public void write(Void key, Void value) {
            throw new UnsupportedOperationException("a packet has more to it");
        }

        /**
         * Writes one packet.
         *
         * @param nanos whether the file has nanoseconds
         * @param since nanoseconds since the epoch
         * @param length bytes that were on the wire
         */
        void write(int linkType, boolean nanos, long since, long length, byte[] frame) throws IOException {
            long time = since;
            if (since < 0 || since >= LATEST) {
                count("packets of a time that pcap cannot say, stored with 0");
                time = 0;
            }
            boolean ordinary = frame.length <= ORDINARY;
            String name = "-" + linkType + (ordinary ? "" : "-long") + ".pcap";
            OutputStream file = files.get(name);
            if (file == null) {
                file = create(name, linkType, nanos, ordinary ? ORDINARY : LONGEST);
            }
            int part = (int) (time % 1_000_000_000L);
            header.clear();
            header.putInt((int) (time / 1_000_000_000L)).putInt(nanos ? part : part / 1000);
            header.putInt(frame.length).putInt((int) Math.min(length, 0xffffffffL));
            file.write(header.array(), 0, 16);
            file.write(frame);
        }

        private OutputStream create(String name, int linkType, boolean nanos, int longest) throws IOException {
            Path path = getDefaultWorkFile(context, name);
            OutputStream file = new BufferedOutputStream(
                    path.getFileSystem(context.getConfiguration()).create(path, false), 1 << 16);
            files.put(name, file);
            header.clear();
            header.putInt(nanos ? NANOSECONDS : MICROSECONDS).putShort((short) 2).putShort((short) 4);
            header.putInt(0).putInt(0).putInt(longest).putInt(linkType);
            file.write(header.array(), 0, 24);
            return file;
        }

        @Override
        public void close(TaskAttemptContext unused) throws IOException {
            for (OutputStream file : files.values()) {
                file.close();
            }
            files.clear();
        }
    }
}
