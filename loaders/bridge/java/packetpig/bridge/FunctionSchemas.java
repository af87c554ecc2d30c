package packetpig.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.pig.impl.util.UDFContext;

/** The output schemas of Python functions while Pig plans: from the build's resource, or from Python. */
final class FunctionSchemas {
    private static final String RESOURCE = "packetpig/functions.json";
    private static final Map<List<String>, String> KNOWN = new HashMap<>();

    private FunctionSchemas() {
    }

    /** Notes what is known already. */
    static synchronized void know(String module, String function, String schema) {
        KNOWN.put(List.of(module, function), schema);
    }

    /** The schema of what a function returns, as Pig reads it. */
    static synchronized String of(String module, String function) throws IOException {
        List<String> key = List.of(module, function);
        String schema = KNOWN.get(key);
        if (schema == null) {
            schema = built(module, function);
            if (schema == null) {
                FunctionProcess process = FunctionProcess.acquire(configuration());
                try {
                    schema = process.function(module, function).schema;
                } finally {
                    process.release();
                }
            }
            KNOWN.put(key, schema);
        }
        return schema;
    }

    private static String built(String module, String function) throws IOException {
        try (InputStream in = LoaderDescription.resource(RESOURCE)) {
            if (in == null) {
                return null;
            }
            Object functions = Json.object(new InputStreamReader(in, StandardCharsets.UTF_8)).get(module);
            Object schema = functions instanceof Map ? ((Map<?, ?>) functions).get(function) : null;
            return schema instanceof Map ? (String) ((Map<?, ?>) schema).get("schema") : (String) schema;
        }
    }

    /** The job's properties in a task, the client's while Pig plans. */
    static Configuration configuration() {
        UDFContext context = UDFContext.getUDFContext();
        if (context.getJobConf() != null) {
            return context.getJobConf();
        }
        Configuration conf = new Configuration(false);
        Properties client = context.getClientSystemProps();
        String python = client == null ? null : client.getProperty(Child.PYTHON_PROPERTY);
        python = python == null ? System.getProperty(Child.PYTHON_PROPERTY) : python;
        if (python != null) {
            conf.set(Child.PYTHON_PROPERTY, python);
        }
        return conf;
    }
}
