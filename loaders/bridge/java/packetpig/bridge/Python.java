package packetpig.bridge;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.pig.FuncSpec;
import org.apache.pig.backend.hadoop.datastorage.ConfigurationUtil;
import org.apache.pig.impl.PigContext;
import org.apache.pig.scripting.ScriptEngine;
import org.apache.pig.tools.pigstats.PigStats;

/**
 * {@code REGISTER 'my.py' USING packetpig.bridge.Python AS my}: the functions of a Python file that carry Pig's
 * {@code outputSchema} become {@code my.NAME}, called through {@link PythonFunction}.
 */
public class Python extends ScriptEngine {
    @Override
    public void registerFunctions(String path, String namespace, PigContext pigContext) throws IOException {
        String file = new File(path).getCanonicalPath();
        Configuration conf = ConfigurationUtil.toConfiguration(pigContext.getProperties());
        Object functions = FunctionProcess.list(file, conf).get("functions");
        if (!(functions instanceof Map) || ((Map<?, ?>) functions).isEmpty()) {
            throw new IOException(path + " has no function with an outputSchema");
        }
        for (Map.Entry<?, ?> item : ((Map<?, ?>) functions).entrySet()) {
            String name = String.valueOf(item.getKey());
            FunctionSchemas.know(file, name, String.valueOf(item.getValue()));
            pigContext.registerFunction(namespace == null ? name : namespace + NAMESPACE_SEPARATOR + name,
                    new FuncSpec(PythonFunction.class.getName(), new String[] {file, name}));
        }
    }

    @Override
    protected Map<String, List<PigStats>> main(PigContext context, String scriptFile) throws IOException {
        throw new IOException("a Python file cannot be run as a Pig script");
    }

    @Override
    protected String getScriptingLang() {
        return "python";
    }

    @Override
    protected Map<String, Object> getParamsFromVariables() throws IOException {
        throw new IOException("a Python file has no parameters for Pig");
    }
}
