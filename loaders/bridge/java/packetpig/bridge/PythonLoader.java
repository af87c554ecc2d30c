package packetpig.bridge;

import java.util.Arrays;

/**
 * Runs a loader that the build did not know: {@code LOAD 'captures' USING PythonLoader('my.module', 'option=…')}, where
 * the module is on Python's path. Its schema comes from the module itself.
 */
public class PythonLoader extends CaptureLoader {
    /**
     * A loader. Pig finds no other form of constructor for any number of strings.
     *
     * @param arguments the Python module that has it, then options, {@code name=value}
     */
    public PythonLoader(String... arguments) {
        super(module(arguments), Arrays.copyOfRange(arguments, 1, arguments.length));
    }

    private static String module(String... arguments) {
        if (arguments.length == 0 || arguments[0].contains("=")) {
            throw new IllegalArgumentException("PythonLoader's first argument is the loader's Python module");
        }
        return arguments[0];
    }
}
