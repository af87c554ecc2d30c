package packetpig.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.pig.data.DataBag;
import org.apache.pig.data.DataByteArray;
import org.apache.pig.data.NonSpillableDataBag;
import org.apache.pig.data.Tuple;
import org.apache.pig.data.TupleFactory;

/**
 * Pig's values as bytes, and back (docs/bridge.md): a tag, then the value, every length explicit, so that no string
 * can pretend to be something else.
 */
final class Values {
    private static final TupleFactory TUPLES = TupleFactory.getInstance();
    private static final int LIMIT = Integer.MAX_VALUE - 64;
    private static final int KEPT = 1 << 20;

    private byte[] bytes = new byte[1 << 12];
    private ByteBuffer buffer = ByteBuffer.wrap(bytes);

    /** Begins again, at this offset. Memory that a huge value took is given back. */
    void clear(int offset) {
        if (bytes.length > KEPT) {
            bytes = new byte[KEPT];
            buffer = ByteBuffer.wrap(bytes);
        }
        buffer.clear();
        buffer.position(offset);
    }

    byte[] bytes() {
        return bytes;
    }

    int size() {
        return buffer.position();
    }

    /** Puts a number over what stands at an offset. */
    void putIntAt(int offset, int value) {
        buffer.putInt(offset, value);
    }

    private ByteBuffer room(int more) throws IOException {
        if (buffer.remaining() < more) {
            long needed = (long) buffer.position() + more;
            if (needed > LIMIT) {
                throw new IOException("a value of more than 2 GB");
            }
            int position = buffer.position();
            bytes = Arrays.copyOf(bytes, (int) Math.min(LIMIT, Math.max(needed, 2L * bytes.length)));
            buffer = ByteBuffer.wrap(bytes);
            buffer.position(position);
        }
        return buffer;
    }

    private void sized(char tag, byte[] value, int length) throws IOException {
        room(5 + length).put((byte) tag).putInt(length).put(value, 0, length);
    }

    /** Appends a value with its tag. */
    void put(Object value) throws IOException {
        if (value == null) {
            room(1).put((byte) 'n');
        } else if (value instanceof String) {
            byte[] text = ((String) value).getBytes(StandardCharsets.UTF_8);
            sized('c', text, text.length);
        } else if (value instanceof Integer) {
            room(5).put((byte) 'i').putInt((Integer) value);
        } else if (value instanceof Long) {
            room(9).put((byte) 'l').putLong((Long) value);
        } else if (value instanceof Double) {
            room(9).put((byte) 'd').putDouble((Double) value);
        } else if (value instanceof Float) {
            room(5).put((byte) 'f').putFloat((Float) value);
        } else if (value instanceof Boolean) {
            room(2).put((byte) 'o').put((byte) ((Boolean) value ? 1 : 0));
        } else if (value instanceof DataByteArray) {
            byte[] data = ((DataByteArray) value).get();
            sized('b', data, data.length);
        } else if (value instanceof Tuple) {
            room(1).put((byte) 't');
            putTuple((Tuple) value);
        } else if (value instanceof DataBag) {
            DataBag bag = (DataBag) value;
            if (bag.size() > LIMIT) {
                throw new IOException("a bag of " + bag.size() + " tuples");
            }
            room(5).put((byte) 'g').putInt((int) bag.size());
            for (Tuple tuple : bag) {
                putTuple(tuple);
            }
        } else if (value instanceof Map) {
            Map<?, ?> map = (Map<?, ?>) value;
            room(5).put((byte) 'm').putInt(map.size());
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                if (entry.getKey() == null) {
                    throw new IOException("a map with a null key");
                }
                byte[] key = entry.getKey().toString().getBytes(StandardCharsets.UTF_8);
                room(4 + key.length).putInt(key.length).put(key);
                put(entry.getValue());
            }
        } else {
            put(value.toString());    // datetime, biginteger, bigdecimal
        }
    }

    /** Appends a tuple without its tag. */
    void putTuple(Tuple tuple) throws IOException {
        int size = tuple.size();
        room(4).putInt(size);
        for (int i = 0; i < size; i++) {
            put(tuple.get(i));
        }
    }

    /** Reads one value with its tag, which must take all that the buffer has. */
    static Object read(ByteBuffer from) throws IOException {
        try {
            Object value = value(from);
            if (from.hasRemaining()) {
                throw new IOException(from.remaining() + " bytes too many");
            }
            return value;
        } catch (java.nio.BufferUnderflowException e) {
            throw new IOException("a value that is cut off", e);
        }
    }

    private static Object value(ByteBuffer from) throws IOException {
        byte tag = from.get();
        switch (tag) {
            case 'n':
                return null;
            case 'o':
                return from.get() != 0;
            case 'i':
                return ArrowColumn.box(from.getInt());
            case 'l':
                return from.getLong();
            case 'f':
                return from.getFloat();
            case 'd':
                return from.getDouble();
            case 'c':
                return text(from);
            case 'b':
                byte[] data = new byte[count(from, 1)];
                from.get(data);
                return new DataByteArray(data);
            case 't':
                return tuple(from);
            case 'g':
                int tuples = count(from, 4);
                List<Tuple> bag = new ArrayList<>(tuples);
                for (int i = 0; i < tuples; i++) {
                    bag.add(tuple(from));
                }
                return new NonSpillableDataBag(bag);
            case 'm':
                int entries = count(from, 5);
                Map<String, Object> map = new HashMap<>();
                for (int i = 0; i < entries; i++) {
                    map.put(text(from), value(from));
                }
                return map;
            default:
                throw new IOException("a value of the unknown type " + tag);
        }
    }

    private static Tuple tuple(ByteBuffer from) throws IOException {
        int count = count(from, 1);
        List<Object> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(value(from));
        }
        return TUPLES.newTupleNoCopy(values);
    }

    private static String text(ByteBuffer from) throws IOException {
        int length = count(from, 1);
        String text = new String(from.array(), from.arrayOffset() + from.position(), length, StandardCharsets.UTF_8);
        from.position(from.position() + length);
        return text;
    }

    /** A count of things that take so many bytes each, at least. */
    private static int count(ByteBuffer from, int each) throws IOException {
        int count = from.getInt();
        if (count < 0 || (long) count * each > from.remaining()) {
            throw new IOException("a value that is longer than its frame");
        }
        return count;
    }
}
