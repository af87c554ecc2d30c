package packetpig.bridge;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A loader's options: {@code 'name=value'} strings, as the user wrote them. */
final class Options {
    /** The explicit filter: any loader has it. */
    static final String WHERE = "where";
    /** {@code sensors=folders}: each folder right below the input is a sensor. Pig's side deals with it. */
    static final String SENSORS = "sensors";
    /** {@code on_error=skip}: what cannot be read is skipped and counted. */
    static final String ON_ERROR = "on_error";

    private final Map<String, String> values = new LinkedHashMap<>();

    Options(String... texts) {
        for (String text : texts) {
            int equals = text.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("not an option: '" + text + "' (options are 'name=value')");
            }
            String name = text.substring(0, equals).strip();
            if (values.put(name, text.substring(equals + 1).strip()) != null) {
                throw new IllegalArgumentException("option " + name + " twice");
            }
        }
    }

    /** The value of an option, or null. */
    String get(String name) {
        return values.get(name);
    }

    boolean hasAny(List<String> names) {
        return names.stream().anyMatch(values::containsKey);
    }

    /** The options as they were written. */
    List<String> texts() {
        List<String> texts = new ArrayList<>();
        values.forEach((name, value) -> texts.add(name + "=" + value));
        return texts;
    }

    /** What the loader is to know: all but the filter, which has a place of its own, and the sensors. */
    Map<String, String> forLoader() {
        Map<String, String> rest = new LinkedHashMap<>(values);
        rest.remove(WHERE);
        rest.remove(SENSORS);
        return rest;
    }

    /** Refuses names that the loader does not know, and says which it does. */
    void check(String loader, List<String> known) throws IOException {
        TreeSet<String> names = new TreeSet<>(known);
        names.add(WHERE);
        names.add(SENSORS);
        for (String name : values.keySet()) {
            if (!names.contains(name)) {
                throw new IOException("loader " + loader + " has no option " + name + " (it has: "
                        + String.join(", ", names) + ")");
            }
        }
        String sensors = values.get(SENSORS);
        if (sensors != null && !sensors.equals("folders") && !sensors.equals("none")) {
            throw new IOException("option sensors of loader " + loader + " is folders or none, not " + sensors);
        }
    }
}
