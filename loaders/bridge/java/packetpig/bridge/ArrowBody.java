package packetpig.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.RecordBatch;

/**
 * The bytes of one Arrow batch, in an array that is used again for the next, and a cursor over the batch's field
 * nodes and buffers, which columns consume in the order of the schema. Every length is checked against the body.
 */
final class ArrowBody {
    private static final int CHUNK = 1 << 24;
    /** Values without any bytes in the batch (of the type null) are believed up to this number. */
    private static final int WITHOUT_BYTES = 1 << 20;

    private byte[] bytes = new byte[1 << 16];
    private int length;
    private RecordBatch batch;
    private int nextNode;
    private int nextBuffer;

    /** Reads the body. The array grows as bytes arrive, so that a length that lies cannot exhaust the memory. */
    void read(InputStream in, long size) throws IOException {
        if (size < 0 || size > Integer.MAX_VALUE - 64) {
            throw new IOException("a batch of " + size + " bytes");
        }
        length = 0;
        while (length < size) {
            int chunk = (int) Math.min(size - length, Math.max(CHUNK, length));
            if (bytes.length < length + chunk) {
                bytes = java.util.Arrays.copyOf(bytes, length + chunk);
            }
            int got = in.readNBytes(bytes, length, chunk);
            if (got < chunk) {
                throw new EOFException("the stream ends inside a batch");
            }
            length += chunk;
        }
    }

    byte[] bytes() {
        return bytes;
    }

    /** Begins with the first node and buffer of a batch. */
    void begin(RecordBatch of) throws IOException {
        if (of.compression() != null) {
            throw new IOException("a compressed batch");
        }
        batch = of;
        nextNode = 0;
        nextBuffer = 0;
    }

    FieldNode node() throws IOException {
        if (nextNode >= batch.nodesLength()) {
            throw new IOException("a batch with too few columns");
        }
        FieldNode node = batch.nodes(nextNode++);
        if (node.length() < 0 || node.length() > 8L * length + WITHOUT_BYTES) {
            throw new IOException("a column of " + node.length() + " values");
        }
        return node;
    }

    /** The next buffer's place; it must have at least so many bytes. */
    Buffer buffer(long atLeast) throws IOException {
        if (nextBuffer >= batch.buffersLength()) {
            throw new IOException("a batch with too few buffers");
        }
        Buffer buffer = batch.buffers(nextBuffer++);
        if (buffer.offset() < 0 || buffer.length() < 0 || buffer.offset() > length
                || buffer.length() > length - buffer.offset()) {
            throw new IOException("a buffer outside its batch");
        }
        if (buffer.length() < atLeast) {
            throw new IOException("a buffer of " + buffer.length() + " bytes where " + atLeast + " are needed");
        }
        return buffer;
    }
}
