package packetpig.engine;

import packetpig.bridge.Progress;

/** On a terminal, says five times a second how far the run is. */
final class ProgressLine implements AutoCloseable {
    private static final long PERIOD = 200;

    private final Console console;
    private final RunListener listener;
    private final Thread thread;
    private long began;

    ProgressLine(Console console, RunListener listener) {
        this.console = console;
        this.listener = listener;
        this.thread = new Thread(this::run, "progress");
        thread.setDaemon(true);
        if (console.terminal) {
            thread.start();
        }
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(PERIOD);
                if (!listener.running()) {
                    began = 0;
                    continue;
                }
                if (began == 0) {
                    began = System.nanoTime();
                }
                console.progress(text(Progress.bytesRead.get(), Progress.totalBytes.get(), Progress.rows.get(),
                    listener.percent(), listener.stage(), (System.nanoTime() - began) / 1e9), listener::running);
            }
        } catch (InterruptedException done) {
            console.clear();
        }
    }

    /** The line itself, from what is known. */
    static String text(long read, long total, long rows, int percent, String stage, double seconds) {
        StringBuilder text = new StringBuilder("pig: ");
        double share = total > 0 ? Math.min(1, (double) read / total) : percent / 100.0;
        if (share == 0 && total == 0) {
            return text.append("running").append(stage.isEmpty() ? "" : ", " + stage).toString();
        }
        text.append(Math.round(share * 100)).append('%');
        if (total > 0) {
            text.append(" of ").append(bytes(total));
        }
        if (rows > 0) {
            text.append(", ").append(String.format("%,d", rows)).append(" rows");
        }
        if (!stage.isEmpty()) {
            text.append(", ").append(stage);
        }
        if (share >= 1 && total > 0) {
            text.append(", all read, working");
        } else if (share > 0.01 && seconds > 2) {
            text.append(", ").append(time(seconds * (1 - share) / share)).append(" left");
        }
        return text.toString();
    }

    private static String bytes(long count) {
        if (count >= 1_000_000_000L) {
            return String.format("%.1f GB", count / 1e9);
        }
        return count >= 1_000_000L ? String.format("%.1f MB", count / 1e6) : String.format("%.1f kB", count / 1e3);
    }

    private static String time(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) {
            return whole + " s";
        }
        return whole < 3600 ? whole / 60 + " min " + whole % 60 + " s" : whole / 3600 + " h " + whole % 3600 / 60 + " min";
    }

    @Override
    public void close() {
        thread.interrupt();
        console.clear();
    }
}
