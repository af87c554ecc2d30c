package packetpig.engine;

import java.io.PrintStream;
import java.util.function.BooleanSupplier;

/** Standard error: lines, and on a terminal one progress line below them that is rewritten in place. */
final class Console {
    private static final int WIDTH = 79;

    private final PrintStream out;
    final boolean terminal;
    private boolean progressShown;
    private boolean muted;

    Console(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    synchronized void line(String text) {
        if (muted) {
            return;
        }
        clear();
        out.println(text);
        out.flush();
    }

    /** Shows the text in place of the last progress line, if there is a terminal and it is still wanted. */
    synchronized void progress(String text, BooleanSupplier wanted) {
        if (!terminal || muted || !wanted.getAsBoolean()) {
            return;
        }
        String shown = text.length() > WIDTH ? text.substring(0, WIDTH) : text;
        out.print("\r\033[K" + shown);
        out.flush();
        progressShown = true;
    }

    synchronized void clear() {
        if (progressShown) {
            out.print("\r\033[K");
            out.flush();
            progressShown = false;
        }
    }

    /** From now on nothing: the run is being stopped, and that jobs fail because of it is no news. */
    synchronized void mute() {
        clear();
        muted = true;
    }
}
