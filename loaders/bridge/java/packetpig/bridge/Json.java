package packetpig.bridge;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON to and from plain maps, lists, strings, longs, doubles, booleans and null, by Jackson's streaming core. */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();

    private Json() {
    }

    /** Writes maps, iterables, arrays, strings, numbers, booleans and null; anything else by its toString(). */
    static String write(Object value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = FACTORY.createGenerator(text)) {
            write(out, value);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return text.toString();
    }

    private static void write(JsonGenerator out, Object value) throws IOException {
        if (value == null) {
            out.writeNull();
        } else if (value instanceof Map) {
            out.writeStartObject();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.writeFieldName(entry.getKey().toString());
                write(out, entry.getValue());
            }
            out.writeEndObject();
        } else if (value instanceof Iterable) {
            out.writeStartArray();
            for (Object item : (Iterable<?>) value) {
                write(out, item);
            }
            out.writeEndArray();
        } else if (value instanceof Object[]) {
            write(out, List.of((Object[]) value));
        } else if (value instanceof Boolean) {
            out.writeBoolean((Boolean) value);
        } else if (value instanceof Integer || value instanceof Long) {
            out.writeNumber(((Number) value).longValue());
        } else if (value instanceof Number) {
            out.writeNumber(((Number) value).doubleValue());
        } else {
            out.writeString(value.toString());
        }
    }

    /** Reads one JSON object. */
    static Map<String, Object> object(String text) throws IOException {
        try (JsonParser in = FACTORY.createParser(text)) {
            return object(in);
        }
    }

    /** Reads one JSON object. */
    static Map<String, Object> object(Reader text) throws IOException {
        try (JsonParser in = FACTORY.createParser(text)) {
            return object(in);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(JsonParser in) throws IOException {
        Object value = in.nextToken() == null ? null : read(in);
        if (!(value instanceof Map)) {
            throw new IOException("not a JSON object");
        }
        return (Map<String, Object>) value;
    }

    private static Object read(JsonParser in) throws IOException {
        switch (in.currentToken()) {
            case START_OBJECT:
                Map<String, Object> map = new LinkedHashMap<>();
                while (in.nextToken() == JsonToken.FIELD_NAME) {
                    String name = in.getCurrentName();
                    in.nextToken();
                    map.put(name, read(in));
                }
                return map;
            case START_ARRAY:
                List<Object> list = new ArrayList<>();
                while (in.nextToken() != JsonToken.END_ARRAY) {
                    list.add(read(in));
                }
                return list;
            case VALUE_NUMBER_INT:
                return in.getLongValue();
            case VALUE_NUMBER_FLOAT:
                return in.getDoubleValue();
            case VALUE_TRUE:
                return Boolean.TRUE;
            case VALUE_FALSE:
                return Boolean.FALSE;
            case VALUE_NULL:
                return null;
            default:
                return in.getText();
        }
    }
}
