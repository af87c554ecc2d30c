package packetpig.bridge;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Frames on the way to Python: a big-endian length and that many bytes (docs/bridge.md). */
final class Frames {
    private Frames() {
    }

    /** Writes text as one frame and flushes. */
    static void text(OutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.write(ByteBuffer.allocate(4 + bytes.length).putInt(bytes.length).put(bytes).array());
        out.flush();
    }

    /** Writes the reason why an answer cannot be given: a negative length. */
    static void refusal(OutputStream out, String reason) throws IOException {
        byte[] bytes = (reason.isEmpty() ? "no reason" : reason).getBytes(StandardCharsets.UTF_8);
        out.write(ByteBuffer.allocate(4 + bytes.length).putInt(-bytes.length).put(bytes).array());
        out.flush();
    }

    /** Writes the empty frame that ends an answer. */
    static void end(OutputStream out) throws IOException {
        out.write(new byte[4]);
        out.flush();
    }
}
