package packetpig.bridge;

/**
 * Runs a loader that the build did not know: {@code LOAD 'captures' USING PythonLoader('my.module', 'option=…')}, where
 * the module is on Python's path. Its schema comes from the module itself.
 */
public class PythonLoader extends CaptureLoader {
    /**
     * A loader.
     *
     * @param module the Python module that has it
     * @param options {@code name=value}
     */
    public PythonLoader(String module, String... options) {
        super(module, options);
    }
}
