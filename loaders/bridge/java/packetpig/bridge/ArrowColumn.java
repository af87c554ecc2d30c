package packetpig.bridge;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.Type;
import org.apache.pig.data.DataByteArray;
import org.apache.pig.data.DataType;
import org.apache.pig.data.NonSpillableDataBag;
import org.apache.pig.data.Tuple;
import org.apache.pig.data.TupleFactory;

/**
 * One column of an Arrow stream, which gives Pig's values row by row. A column is made once from the schema's field
 * and loaded with each batch.
 */
abstract class ArrowColumn {
    private static final VarHandle INTS = view(int[].class);
    private static final VarHandle LONGS = view(long[].class);
    private static final VarHandle SHORTS = view(short[].class);
    private static final VarHandle FLOATS = view(float[].class);
    private static final VarHandle DOUBLES = view(double[].class);
    private static final int COLUMNS = 1 << 16;
    private static final int DEPTH = 64;
    private static final TupleFactory TUPLES = TupleFactory.getInstance();

    /** Ports, lengths and flags are most of the numbers there are: one object each, not one a row. */
    private static final Integer[] SMALL = new Integer[1 << 16];

    static {
        for (int i = 0; i < SMALL.length; i++) {
            SMALL[i] = i;
        }
    }

    final String name;
    /** The value's type in Pig, of {@link DataType}. */
    final byte type;
    byte[] bytes;
    int length;
    private int validity = -1;

    ArrowColumn(String name, byte type) {
        this.name = name;
        this.type = type;
    }

    private static VarHandle view(Class<?> array) {
        return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
    }

    static Integer box(int value) {
        return value >= 0 && value < SMALL.length ? SMALL[value] : Integer.valueOf(value);
    }

    /** The value of a row in Pig's types, null where it is null. */
    final Object get(int row) throws IOException {
        return validity >= 0 && (bytes[validity + (row >> 3)] >> (row & 7) & 1) == 0 ? null : value(row);
    }

    /** The value of a row that is not null. */
    abstract Object value(int row) throws IOException;

    /** Takes this column's buffers, and its children's, from the batch. */
    abstract void buffers(ArrowBody body) throws IOException;

    /** Loads the column from the next batch. */
    final void load(ArrowBody body) throws IOException {
        FieldNode node = body.node();
        bytes = body.bytes();
        length = (int) node.length();
        validity = -1;
        if (type != DataType.NULL) {
            boolean nulls = node.nullCount() != 0;
            Buffer bits = body.buffer(nulls ? (length + 7L) / 8 : 0);
            if (nulls && length > 0) {
                validity = (int) bits.offset();
            }
        }
        buffers(body);
    }

    static IOException broken(String what) {
        return new IOException(what);
    }

    /** Makes the column for a field, and notes the dictionaries that it and its inner columns name. */
    static ArrowColumn of(Field field, Dictionaries dictionaries) throws IOException {
        if (++dictionaries.columns > COLUMNS || dictionaries.depth > DEPTH) {
            throw broken("a schema of too many columns");
        }
        dictionaries.depth++;
        ArrowColumn column = coded(field, dictionaries);
        dictionaries.depth--;
        return column;
    }

    private static ArrowColumn coded(Field field, Dictionaries dictionaries) throws IOException {
        if (field.dictionary() != null) {
            long id = field.dictionary().id();
            Dictionary dictionary = dictionaries.byNumber.get(id);
            if (dictionary == null) {
                dictionary = new Dictionary(plain(field, dictionaries));
                dictionaries.byNumber.put(id, dictionary);
            }
            Int index = field.dictionary().indexType();
            return new Coded(field.name(), index == null ? 32 : index.bitWidth(), dictionary);
        }
        return plain(field, dictionaries);
    }

    private static ArrowColumn plain(Field field, Dictionaries dictionaries) throws IOException {
        String name = field.name();
        switch (field.typeType()) {
            case Type.Null:
                return new Nothing(name);
            case Type.Bool:
                return new Bool(name);
            case Type.Int:
                Int type = (Int) field.type(new Int());
                if (type.bitWidth() == 64 && !type.isSigned()) {
                    break;
                }
                return type.bitWidth() == 64 || type.bitWidth() == 32 && !type.isSigned()
                        ? new Wide(name, type.bitWidth()) : new Narrow(name, type.bitWidth(), type.isSigned());
            case Type.FloatingPoint:
                short precision = ((FloatingPoint) field.type(new FloatingPoint())).precision();
                if (precision == Precision.HALF) {
                    break;
                }
                return new Real(name, precision == Precision.DOUBLE);
            case Type.Utf8:
            case Type.Binary:
                return new Text(name, field.typeType() == Type.Utf8);
            case Type.List:
                ArrowColumn inner = of(child(field, 0), dictionaries);
                return inner.type == DataType.TUPLE && "tuple".equals(mark(field)) ? new Sparse(name, inner)
                        : new Bag(name, inner);
            case Type.Map:
                return new Keyed(name, of(child(field, 0), dictionaries));
            case Type.Struct_:
                List<ArrowColumn> children = new ArrayList<>();
                for (int i = 0; i < field.childrenLength(); i++) {
                    children.add(of(child(field, i), dictionaries));
                }
                return new Struct(name, children.toArray(new ArrowColumn[0]));
            default:
                break;
        }
        throw broken("column " + name + " has the type " + Type.name(field.typeType())
                + ", which Pig's side does not read (see docs/bridge.md)");
    }

    /** What the field's metadata say under {@link ArrowRows#KEY}, or null. */
    private static String mark(Field field) {
        for (int i = 0; i < field.customMetadataLength(); i++) {
            if (ArrowRows.KEY.equals(field.customMetadata(i).key())) {
                return field.customMetadata(i).value();
            }
        }
        return null;
    }

    private static Field child(Field field, int i) throws IOException {
        if (i >= field.childrenLength()) {
            throw broken("column " + field.name() + " without its inner column");
        }
        return field.children(i);
    }

    /** The dictionaries of a schema by their numbers, while and after its columns are made. */
    static final class Dictionaries {
        final Map<Long, Dictionary> byNumber = new HashMap<>();
        private int columns;
        private int depth;
    }

    /** The distinct values of dictionary-encoded columns: one object each, shared by all rows. */
    static final class Dictionary {
        private final ArrowColumn values;
        Object[] objects = new Object[0];

        Dictionary(ArrowColumn values) {
            this.values = values;
        }

        void replace(ArrowBody body) throws IOException {
            values.load(body);
            Object[] fresh = new Object[values.length];
            for (int i = 0; i < fresh.length; i++) {
                fresh[i] = values.get(i);
            }
            objects = fresh;
        }
    }

    private static final class Coded extends ArrowColumn {
        private final int bits;
        private final Dictionary dictionary;
        private int start;

        Coded(String name, int bits, Dictionary dictionary) throws IOException {
            super(name, dictionary.values.type);
            if (bits != 8 && bits != 16 && bits != 32) {
                throw broken("column " + name + " has a dictionary index of " + bits + " bits");
            }
            this.bits = bits;
            this.dictionary = dictionary;
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            start = (int) body.buffer((long) length * bits / 8).offset();
        }

        @Override
        Object value(int row) throws IOException {
            int code;
            if (bits == 32) {
                code = (int) INTS.get(bytes, start + 4 * row);
            } else {
                code = bits == 8 ? bytes[start + row] & 0xff : (short) SHORTS.get(bytes, start + 2 * row) & 0xffff;
            }
            Object[] objects = dictionary.objects;
            if (code < 0 || code >= objects.length) {
                throw broken("column " + name + " points outside its dictionary");
            }
            return objects[code];
        }
    }

    private static final class Nothing extends ArrowColumn {
        Nothing(String name) {
            super(name, DataType.NULL);
        }

        @Override
        void buffers(ArrowBody body) {
        }

        @Override
        Object value(int row) {
            return null;
        }
    }

    private static final class Bool extends ArrowColumn {
        private int start;

        Bool(String name) {
            super(name, DataType.BOOLEAN);
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            start = (int) body.buffer((length + 7L) / 8).offset();
        }

        @Override
        Object value(int row) {
            return (bytes[start + (row >> 3)] >> (row & 7) & 1) != 0;
        }
    }

    private static final class Narrow extends ArrowColumn {
        private final int bits;
        private final boolean signed;
        private int start;

        Narrow(String name, int bits, boolean signed) {
            super(name, DataType.INTEGER);
            this.bits = bits;
            this.signed = signed;
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            start = (int) body.buffer((long) length * bits / 8).offset();
        }

        @Override
        Object value(int row) {
            switch (bits) {
                case 32:
                    return box((int) INTS.get(bytes, start + 4 * row));
                case 16:
                    short small = (short) SHORTS.get(bytes, start + 2 * row);
                    return box(signed ? small : small & 0xffff);
                default:
                    return box(signed ? bytes[start + row] : bytes[start + row] & 0xff);
            }
        }
    }

    private static final class Wide extends ArrowColumn {
        private final int width;
        private int start;

        Wide(String name, int bits) {
            super(name, DataType.LONG);
            this.width = bits / 8;
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            start = (int) body.buffer((long) length * width).offset();
        }

        @Override
        Object value(int row) {
            return width == 8 ? (long) LONGS.get(bytes, start + 8 * row)
                    : Integer.toUnsignedLong((int) INTS.get(bytes, start + 4 * row));
        }
    }

    private static final class Real extends ArrowColumn {
        private final boolean wide;
        private int start;

        Real(String name, boolean wide) {
            super(name, wide ? DataType.DOUBLE : DataType.FLOAT);
            this.wide = wide;
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            start = (int) body.buffer((long) length * (wide ? 8 : 4)).offset();
        }

        @Override
        Object value(int row) {
            if (wide) {
                return (double) DOUBLES.get(bytes, start + 8 * row);
            }
            return (float) FLOATS.get(bytes, start + 4 * row);
        }
    }

    /** Something of variable length: where each row's part begins and ends. */
    private abstract static class Parts extends ArrowColumn {
        private int offsets;
        int limit;

        Parts(String name, byte type) {
            super(name, type);
        }

        final void offsets(ArrowBody body) throws IOException {
            offsets = (int) body.buffer(length == 0 ? 0 : 4L * (length + 1)).offset();
        }

        final int from(int row) {
            return (int) INTS.get(bytes, offsets + 4 * row);
        }

        /** The end of a row's part, which is checked. */
        final int to(int row, int from) throws IOException {
            int to = (int) INTS.get(bytes, offsets + 4 * row + 4);
            if (from < 0 || to < from || to > limit) {
                throw broken("column " + name + " with a value outside its batch");
            }
            return to;
        }
    }

    private static final class Text extends Parts {
        private final boolean utf8;
        private int start;

        Text(String name, boolean utf8) {
            super(name, utf8 ? DataType.CHARARRAY : DataType.BYTEARRAY);
            this.utf8 = utf8;
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            offsets(body);
            Buffer data = body.buffer(0);
            start = (int) data.offset();
            limit = (int) data.length();
        }

        @Override
        Object value(int row) throws IOException {
            int from = from(row);
            int to = to(row, from);
            return utf8 ? new String(bytes, start + from, to - from, StandardCharsets.UTF_8)
                    : new DataByteArray(bytes, start + from, start + to);
        }
    }

    /** Parts of another column's values. */
    private abstract static class Nested extends Parts {
        final ArrowColumn inner;

        Nested(String name, byte type, ArrowColumn inner) {
            super(name, type);
            this.inner = inner;
        }

        @Override
        final void buffers(ArrowBody body) throws IOException {
            offsets(body);
            inner.load(body);
            limit = inner.length;
        }
    }

    private static final class Bag extends Nested {
        Bag(String name, ArrowColumn inner) {
            super(name, DataType.BAG, inner);
        }

        @Override
        Object value(int row) throws IOException {
            int from = from(row);
            int to = to(row, from);
            List<Tuple> tuples = new ArrayList<>(to - from);
            for (int i = from; i < to; i++) {
                Object value = inner.get(i);
                if (inner.type == DataType.TUPLE) {
                    if (value != null) {
                        tuples.add((Tuple) value);
                    }
                } else {
                    tuples.add(TUPLES.newTuple(value));
                }
            }
            return new NonSpillableDataBag(tuples);
        }
    }

    /** A tuple or null: a list of one or none, so that a null takes no room in the tuple's columns. */
    private static final class Sparse extends Nested {
        Sparse(String name, ArrowColumn inner) {
            super(name, DataType.TUPLE, inner);
        }

        @Override
        Object value(int row) throws IOException {
            int from = from(row);
            return to(row, from) == from ? null : inner.get(from);
        }
    }

    private static final class Keyed extends Nested {
        Keyed(String name, ArrowColumn entries) throws IOException {
            super(name, DataType.MAP, entries);
            if (!(entries instanceof Struct) || ((Struct) entries).children.length != 2) {
                throw broken("column " + name + " is a map without keys and values");
            }
        }

        @Override
        Object value(int row) throws IOException {
            int from = from(row);
            int to = to(row, from);
            ArrowColumn[] pair = ((Struct) inner).children;
            Map<String, Object> map = new HashMap<>();
            for (int i = from; i < to; i++) {
                map.put(String.valueOf(pair[0].get(i)), pair[1].get(i));
            }
            return map;
        }
    }

    private static final class Struct extends ArrowColumn {
        private final ArrowColumn[] children;

        Struct(String name, ArrowColumn[] children) {
            super(name, DataType.TUPLE);
            this.children = children;
        }

        @Override
        void buffers(ArrowBody body) throws IOException {
            for (ArrowColumn child : children) {
                child.load(body);
                if (child.length < length) {
                    throw broken("column " + name + " with an inner column that is too short");
                }
            }
        }

        @Override
        Object value(int row) throws IOException {
            List<Object> values = new ArrayList<>(children.length);
            for (ArrowColumn child : children) {
                values.add(child.get(row));
            }
            return TUPLES.newTupleNoCopy(values);
        }
    }
}
