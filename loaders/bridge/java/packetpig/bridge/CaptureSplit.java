package packetpig.bridge;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.mapreduce.InputSplit;

/** What one task reads: captures, or ranges of them, in order. */
public final class CaptureSplit extends InputSplit implements Writable {
    private List<Capture> captures = new ArrayList<>();
    private String[] hosts = new String[0];
    private long bytes = -1;

    /** For Hadoop, which reads it from its bytes. */
    public CaptureSplit() {
    }

    CaptureSplit(List<Capture> captures, String[] hosts) {
        this.captures = captures;
        this.hosts = hosts;
    }

    List<Capture> captures() {
        return captures;
    }

    /** The bytes of captures to read; at least 1, since Pig drops splits of length 0, and with them their warnings. */
    @Override
    public long getLength() {
        return Math.max(1, bytes());
    }

    /** Kept, since Pig asks for it with every row. */
    long bytes() {
        if (bytes < 0) {
            bytes = captures.stream().mapToLong(Capture::length).sum();
        }
        return bytes;
    }

    /** The hosts with most of the bytes. None for local files: so Pig does not combine the splits once more. */
    @Override
    public String[] getLocations() {
        return hosts;
    }

    @Override
    public void write(DataOutput out) throws IOException {
        out.writeInt(captures.size());
        for (Capture capture : captures) {
            capture.write(out);
        }
    }

    @Override
    public void readFields(DataInput in) throws IOException {
        int count = in.readInt();
        bytes = -1;
        captures = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            captures.add(Capture.read(in));
        }
        hosts = new String[0];
    }

    @Override
    public String toString() {
        Capture first = captures.get(0);
        return captures.size() == 1 ? first.path + " bytes " + first.start + " to " + first.end
                : captures.size() + " captures from " + first.path;
    }
}
