package packetpig.engine;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Standard output for what the main thread prints (DUMP, DESCRIBE, …). Whatever else runs in this JVM and prints, as
 * Tez does for each task, goes into the log.
 */
final class MainThreadStream extends OutputStream {
    private final OutputStream out;
    private final OutputStream log;
    private final Thread main = Thread.currentThread();

    private MainThreadStream(OutputStream out, OutputStream log) {
        this.out = out;
        this.log = log;
    }

    /** @param terminal lines appear at once; otherwise in blocks, which is faster */
    static PrintStream of(OutputStream out, OutputStream log, boolean terminal) {
        OutputStream target = new MainThreadStream(new BufferedOutputStream(out, 1 << 16), log);
        return new PrintStream(target, terminal, StandardCharsets.UTF_8);
    }

    private OutputStream target() {
        return Thread.currentThread() == main ? out : log;
    }

    @Override
    public void write(int octet) throws IOException {
        target().write(octet);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        target().write(bytes, offset, length);
    }

    @Override
    public void flush() throws IOException {
        target().flush();
    }
}
