package packetpig.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;
import org.apache.pig.data.Tuple;
import org.apache.pig.data.TupleFactory;

/**
 * Reads an Arrow IPC stream and gives its rows as Pig's tuples. Batches are read into heap arrays that are used
 * again, so a stream costs the memory of its largest batch. A stream that is broken gives an IOException, whatever
 * its lengths say.
 */
final class ArrowRows {
    /** Gets the JSON that batches carry under the key {@value #KEY}, before the rows of its batch are given out. */
    interface Messages {
        void message(String json) throws IOException;
    }

    /** Under which metadata are ours. */
    static final String KEY = "packetpig";
    private static final int CONTINUATION = 0xFFFFFFFF;
    private static final int METADATA_LIMIT = 1 << 26;
    private static final TupleFactory TUPLES = TupleFactory.getInstance();

    private final InputStream in;
    private final Messages messages;
    private final ArrowColumn.Dictionaries dictionaries = new ArrowColumn.Dictionaries();
    private final ArrowBody body = new ArrowBody();
    private final ArrowBody dictionaryBody = new ArrowBody();
    private final byte[] prefix = new byte[4];
    private byte[] metadata = new byte[1 << 12];
    private ArrowColumn[] columns;
    private int rows;
    private int row;

    ArrowRows(InputStream in, Messages messages) {
        this.in = in;
        this.messages = messages;
    }

    /** Reads up to the schema and gives the columns. */
    ArrowColumn[] columns() throws IOException {
        if (columns == null) {
            try {
                Message message = message();
                if (message == null) {
                    throw new EOFException("no Arrow stream");
                }
                if (message.headerType() != MessageHeader.Schema) {
                    throw new IOException("a stream that does not begin with its schema");
                }
                Schema schema = (Schema) message.header(new Schema());
                List<ArrowColumn> made = new ArrayList<>();
                for (int i = 0; i < schema.fieldsLength(); i++) {
                    made.add(ArrowColumn.of(schema.fields(i), dictionaries));
                }
                columns = made.toArray(new ArrowColumn[0]);
            } catch (RuntimeException e) {    // whatever the metadata's reader meets
                throw new IOException("a broken schema", e);
            }
        }
        return columns;
    }

    /** The next row, or null at the end of the stream. */
    Tuple next() throws IOException {
        return nextOr(() -> false);
    }

    /** The next row, or null at the end of the stream, or where a batch without rows made it TRUE that it ends here. */
    Tuple nextOr(BooleanSupplier ends) throws IOException {
        while (row >= rows) {
            if (!nextBatch() || rows == 0 && ends.getAsBoolean()) {
                return null;
            }
        }
        try {
            List<Object> values = new ArrayList<>(columns.length);
            for (ArrowColumn column : columns) {
                values.add(column.get(row));
            }
            row++;
            return TUPLES.newTupleNoCopy(values);
        } catch (RuntimeException e) {
            throw new IOException("a broken batch", e);
        }
    }

    /** How many rows of the batch have been given out, and are still there to give. */
    int rowsOfBatch() {
        return rows;
    }

    /** Goes on to the next batch, whose rows {@link #next} gives; false at the end of the stream. */
    private boolean nextBatch() throws IOException {
        columns();
        rows = 0;
        row = 0;
        try {
            Message message = message();
            if (message == null) {
                return false;
            }
            switch (message.headerType()) {
                case MessageHeader.DictionaryBatch:
                    replaceDictionary((DictionaryBatch) message.header(new DictionaryBatch()), message.bodyLength());
                    return true;
                case MessageHeader.RecordBatch:
                    loadBatch((RecordBatch) message.header(new RecordBatch()), message.bodyLength());
                    break;
                default:
                    throw new IOException("a message that is no batch");
            }
            for (int i = 0; i < message.customMetadataLength(); i++) {
                KeyValue pair = message.customMetadata(i);
                if (KEY.equals(pair.key())) {
                    messages.message(pair.value());
                }
            }
            return true;
        } catch (RuntimeException e) {
            throw new IOException("a broken batch", e);
        }
    }

    private void replaceDictionary(DictionaryBatch header, long size) throws IOException {
        ArrowColumn.Dictionary dictionary = dictionaries.byNumber.get(header.id());
        if (dictionary == null) {
            throw new IOException("a dictionary that no column uses");
        }
        if (header.isDelta()) {
            throw new IOException("a dictionary delta (only whole dictionaries are understood)");
        }
        dictionaryBody.read(in, size);
        dictionaryBody.begin(header.data());
        dictionary.replace(dictionaryBody);
    }

    private void loadBatch(RecordBatch batch, long size) throws IOException {
        body.read(in, size);
        body.begin(batch);
        long length = batch.length();
        if (length < 0 || length > Integer.MAX_VALUE - 64) {
            throw new IOException("a batch of " + length + " rows");
        }
        for (ArrowColumn column : columns) {
            column.load(body);
            if (column.length != length) {
                throw new IOException("column " + column.name + " with " + column.length + " values in a batch of "
                        + length + " rows");
            }
        }
        rows = (int) length;
    }

    /** The next message's metadata; null at the end of the stream. */
    private Message message() throws IOException {
        int got = in.readNBytes(prefix, 0, 4);
        if (got == 0) {
            return null;
        }
        if (got < 4 || ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getInt() != CONTINUATION) {
            throw new IOException("not an Arrow stream: " + shown(got));
        }
        if (in.readNBytes(prefix, 0, 4) < 4) {
            throw new EOFException("the stream ends inside a message");
        }
        int length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getInt();
        if (length == 0) {
            return null;
        }
        if (length < 8 || length > METADATA_LIMIT) {
            throw new IOException("a message of " + length + " bytes");
        }
        if (metadata.length < length) {
            metadata = new byte[length];
        }
        if (in.readNBytes(metadata, 0, length) < length) {
            throw new EOFException("the stream ends inside a message");
        }
        return Message.getRootAsMessage(ByteBuffer.wrap(metadata, 0, length).slice().order(ByteOrder.LITTLE_ENDIAN));
    }

    /** What stands where a message should begin, for the error message. */
    private String shown(int got) throws IOException {
        byte[] start = java.util.Arrays.copyOf(prefix, 80);
        int length = got + Math.max(0, in.readNBytes(start, got, Math.min(start.length - got, in.available())));
        StringBuilder text = new StringBuilder("\"");
        for (char c : new String(start, 0, length, StandardCharsets.UTF_8).toCharArray()) {
            text.append(c < ' ' || c == 0x7f ? '.' : c);
        }
        return text.append('"').toString();
    }
}
