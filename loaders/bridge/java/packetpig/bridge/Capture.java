package packetpig.bridge;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** A capture, or a range of it, that a task reads. */
final class Capture {
    /** As messages and Hadoop's file systems name it. */
    final String path;
    /** Where a process on this machine may open it itself, or null. */
    final String local;
    /** Bytes of the whole capture. */
    final long size;
    final long start;
    final long end;
    /** The path below the input, which is the rows' column {@code capture}. */
    final String name;
    final String sensor;

    Capture(String path, String local, long size, long start, long end, String name, String sensor) {
        this.path = path;
        this.local = local;
        this.size = size;
        this.start = start;
        this.end = end;
        this.name = name;
        this.sensor = sensor;
    }

    /** A range of the same capture. */
    Capture range(long from, long to) {
        return new Capture(path, local, size, from, to, name, sensor);
    }

    long length() {
        return end - start;
    }

    void write(DataOutput out) throws IOException {
        text(out, path);
        out.writeBoolean(local != null);
        if (local != null) {
            text(out, local);
        }
        out.writeLong(size);
        out.writeLong(start);
        out.writeLong(end);
        text(out, name);
        text(out, sensor);
    }

    static Capture read(DataInput in) throws IOException {
        String path = text(in);
        String local = in.readBoolean() ? text(in) : null;
        return new Capture(path, local, in.readLong(), in.readLong(), in.readLong(), text(in), text(in));
    }

    private static void text(DataOutput out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static String text(DataInput in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
