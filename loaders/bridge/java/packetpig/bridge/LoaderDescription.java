package packetpig.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;

/**
 * What a loader is: its columns, its options, whether captures may be cut. From the resource that the build wrote,
 * or from the loader itself ({@code python -m packetpig.loaders.bridge.describe}).
 */
final class LoaderDescription {
    private static final String RESOURCE = "packetpig/loaders.json";
    private static final String MODULE = "packetpig.loaders.bridge.describe";
    private static final Map<List<String>, LoaderDescription> ASKED = new ConcurrentHashMap<>();

    /** The schema, as Pig reads it. */
    final String schema;
    /** "records": a plain pcap may be cut between records; "never"; "sensor": a task has all captures of a sensor. */
    final String split;
    private final List<String> options;
    private final List<String> schemaOptions;

    private LoaderDescription(Map<String, Object> from) throws IOException {
        schema = (String) from.get("schema");
        if (schema == null) {
            throw new IOException("no schema");
        }
        split = String.valueOf(from.get("split"));
        options = names(from.get("options"));
        schemaOptions = names(from.get("schema_options"));
    }

    private static List<String> names(Object value) {
        List<String> names = new ArrayList<>();
        if (value instanceof List) {
            for (Object name : (List<?>) value) {
                names.add(String.valueOf(name));
            }
        }
        return names;
    }

    /** The description of a loader with these options, which are checked. */
    static LoaderDescription of(String loader, Options options, Configuration conf) throws IOException {
        LoaderDescription built = fromResource(loader);
        if (built != null) {
            options.check(loader, built.options);
            if (!options.hasAny(built.schemaOptions)) {
                return built;
            }
        }
        List<String> command = new ArrayList<>();
        command.add(loader);
        command.addAll(options.texts());
        List<String> key = new ArrayList<>(command);
        key.add(Child.python(conf));
        LoaderDescription asked = ASKED.get(key);
        if (asked == null) {
            asked = ask(loader, command, conf);
            ASKED.put(key, asked);
        }
        options.check(loader, asked.options);
        return asked;
    }

    private static LoaderDescription fromResource(String loader) throws IOException {
        try (InputStream in = resource(RESOURCE)) {
            if (in == null) {
                return null;
            }
            Object found = Json.object(new InputStreamReader(in, StandardCharsets.UTF_8)).get(loader);
            return found instanceof Map ? new LoaderDescription(cast(found)) : null;
        }
    }

    /** A resource of a jar that Pig was given, by whichever class loader knows it. */
    static InputStream resource(String name) {
        InputStream in = null;
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        if (context != null) {
            in = context.getResourceAsStream(name);
        }
        if (in == null) {
            in = LoaderDescription.class.getClassLoader().getResourceAsStream(name);
        }
        return in != null ? in : org.apache.pig.impl.PigContext.getClassLoader().getResourceAsStream(name);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> cast(Object map) {
        return (Map<String, Object>) map;
    }

    private static LoaderDescription ask(String loader, List<String> command, Configuration conf) throws IOException {
        String what = "the description of loader " + loader;
        try (Child child = Child.start(conf, what, MODULE, command)) {
            byte[] answer = child.output().readAllBytes();
            String death = child.death();
            if (!death.equals("exit status 0")) {
                String words = child.lastWords();
                throw new IOException(words.isEmpty() ? "loader " + loader + " cannot be described (" + death + ")"
                        : "loader " + loader + words);
            }
            try {
                return new LoaderDescription(Json.object(new String(answer, StandardCharsets.UTF_8)));
            } catch (IOException | ClassCastException e) {
                throw new IOException("loader " + loader + " cannot be described: its answer is no description");
            }
        }
    }
}
