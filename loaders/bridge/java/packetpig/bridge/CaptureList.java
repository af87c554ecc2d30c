package packetpig.bridge;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.pig.LoadFunc;

/**
 * The captures of a location: files, folders with all that is below them, globs, and lists of these with commas. In
 * the order of their paths, each once. What begins with {@code _} or {@code .} below the location is left out. A file
 * whose name ends in {@code .captures} names captures itself: one JSON object a line (docs/bridge.md).
 */
final class CaptureList {
    /** The sensor of captures that lie in no sensor's folder. */
    static final String DEFAULT_SENSOR = "default";

    private static final String LIST = ".captures";

    private final Configuration conf;
    private final boolean sensorFolders;
    private final boolean skipUnreadable;
    private final TreeMap<String, Capture> captures = new TreeMap<>();
    private final Map<String, BlockLocation[]> blocks = new HashMap<>();

    private int found;

    private CaptureList(Configuration conf, boolean sensorFolders, boolean skipUnreadable) {
        this.conf = conf;
        this.sensorFolders = sensorFolders;
        this.skipUnreadable = skipUnreadable;
    }

    /**
     * Lists a location.
     *
     * @param sensorFolders is each folder right below the location a sensor?
     * @param skipUnreadable are files without permission left to the loader, which counts them?
     */
    static CaptureList of(String location, Configuration conf, boolean sensorFolders, boolean skipUnreadable)
            throws IOException {
        CaptureList list = new CaptureList(conf, sensorFolders, skipUnreadable);
        for (String part : LoadFunc.getPathStrings(location)) {
            list.found = 0;
            list.add(part);
            if (list.found == 0) {
                throw new IOException("no captures in " + part);
            }
        }
        return list;
    }

    /** The captures, whole, in order. */
    List<Capture> captures() {
        return new ArrayList<>(captures.values());
    }

    /** Where the blocks of a capture are; empty if that is not known. */
    BlockLocation[] blocks(Capture capture) {
        return blocks.getOrDefault(capture.path, new BlockLocation[0]);
    }

    private void add(String location) throws IOException {
        Path path = new Path(location);
        FileSystem fs = path.getFileSystem(conf);
        if (location.endsWith(LIST) && !isGlob(location) && fs.isFile(path)) {
            addListed(fs, path);
            return;
        }
        if (isLocal(fs)) {
            java.nio.file.Path file = java.nio.file.Path.of(fs.makeQualified(path).toUri().getPath());
            if (Files.exists(file)) {
                addLocal(file, Files.isDirectory(file) ? file : file.getParent());
                return;
            }
        }
        FileStatus[] matches;
        try {
            matches = fs.globStatus(path);
        } catch (org.apache.hadoop.security.AccessControlException e) {
            throw new IOException("cannot read " + location + ": permission denied");
        }
        boolean glob = isGlob(location);
        if (matches == null || matches.length == 0) {
            throw new IOException(glob ? "nothing matches " + location : missing(fs, location));
        }
        Path root = fs.makeQualified(glob ? aboveGlob(path) : matches[0].isDirectory() ? path : path.getParent());
        for (FileStatus status : matches) {
            if (glob && hidden(status.getPath().getName())) {
                continue;
            }
            if (isLocal(fs)) {
                addLocal(java.nio.file.Path.of(status.getPath().toUri().getPath()),
                        java.nio.file.Path.of(root.toUri().getPath()));
            } else {
                addRemote(fs, status, root);
            }
        }
    }

    /** With what to do when a file of this machine was looked for on the cluster. */
    private static String missing(FileSystem fs, String location) {
        String none = "no such file or folder: ";
        if (isLocal(fs)) {
            return none + location;
        }
        Path whole = fs.makeQualified(new Path(location));
        String here = whole.toUri().getPath();
        String home = fs.getHomeDirectory().toUri().getPath() + "/";
        if (here.startsWith(home)) {
            here = here.substring(home.length());
        }
        boolean onlyHere = !here.isEmpty() && Files.exists(java.nio.file.Path.of(here));
        return none + whole + (onlyHere ? "; there is one on this machine: fs -put, in Pig's shell, takes it there" : "");
    }

    /** Captures that somebody has listed already, with the names that they have in rows. */
    private void addListed(FileSystem fs, Path list) throws IOException {
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(fs.open(list), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Map<String, Object> one = Json.object(line);
                String path = (String) one.get("path");
                long size = (Long) one.get("size");
                boolean local = path.startsWith("/");
                found++;
                captures.put(path, new Capture(path, local ? path : null, size, 0, size, (String) one.get("capture"),
                        (String) one.get("sensor")));
                if (!local) {
                    Path remote = new Path(path);
                    blocks.put(path, remote.getFileSystem(conf).getFileBlockLocations(remote, 0, size));
                }
            }
        } catch (ClassCastException | NullPointerException e) {
            throw new IOException(list + ": not a list of captures");
        }
    }

    private static boolean isLocal(FileSystem fs) {
        return "file".equals(fs.getUri().getScheme());
    }

    private static boolean isGlob(String text) {
        return text.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }

    /** The folder before the first part of a path that is a pattern. */
    private static Path aboveGlob(Path path) {
        Path plain = path;
        while (plain.getParent() != null && isGlob(plain.toString())) {
            plain = plain.getParent();
        }
        return plain;
    }

    private static boolean hidden(String name) {
        return name.startsWith("_") || name.startsWith(".");
    }

    /** Adds a capture; {@code below} is its path below the input. */
    private void add(String path, String local, long size, String below) {
        int slash = below.indexOf('/');
        String sensor = sensorFolders && slash > 0 ? below.substring(0, slash) : DEFAULT_SENSOR;
        found++;
        captures.put(path, new Capture(path, local, size, 0, size, below, sensor));
    }

    private void addRemote(FileSystem fs, FileStatus status, Path root) throws IOException {
        String above = root.toUri().getPath();
        String prefix = above.endsWith("/") ? above : above + "/";
        String start = status.getPath().toUri().getPath();
        try {
            RemoteIterator<LocatedFileStatus> files = fs.listFiles(status.getPath(), true);
            while (files.hasNext()) {
                LocatedFileStatus file = files.next();
                String path = file.getPath().toUri().getPath();
                if (path.length() > start.length() && hasHiddenPart(path.substring(start.length() + 1))) {
                    continue;
                }
                String full = file.getPath().toString();
                add(full, null, file.getLen(), path.startsWith(prefix) ? path.substring(prefix.length()) : path);
                blocks.put(full, file.getBlockLocations());
            }
        } catch (org.apache.hadoop.security.AccessControlException e) {
            throw new IOException("cannot read " + status.getPath() + ": permission denied");
        } catch (FileNotFoundException e) {
            throw new IOException("no such file or folder: " + status.getPath());
        }
    }

    private static boolean hasHiddenPart(String below) {
        for (String part : below.split("/")) {
            if (hidden(part)) {
                return true;
            }
        }
        return false;
    }

    /** Local files by way of Java, which needs one look at a file where Hadoop's file system takes several. */
    private void addLocal(java.nio.file.Path start, java.nio.file.Path root) throws IOException {
        Files.walkFileTree(start, EnumSet.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE,
                new SimpleFileVisitor<java.nio.file.Path>() {
                    @Override
                    public FileVisitResult preVisitDirectory(java.nio.file.Path folder, BasicFileAttributes is) {
                        return !folder.equals(start) && hidden(folder.getFileName().toString())
                                ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(java.nio.file.Path file, BasicFileAttributes is)
                            throws IOException {
                        boolean inside = !file.equals(start);
                        if (inside && (hidden(file.getFileName().toString()) || is.isDirectory())) {
                            return FileVisitResult.CONTINUE;
                        }
                        if (!is.isRegularFile() && inside) {
                            return FileVisitResult.CONTINUE;
                        }
                        if (!skipUnreadable && !Files.isReadable(file)) {
                            throw new IOException("cannot read " + file + ": permission denied");
                        }
                        add(file.toString(), file.toString(), is.size(), root.relativize(file).toString());
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(java.nio.file.Path file, IOException why)
                            throws IOException {
                        if (hidden(file.getFileName().toString()) || why instanceof NoSuchFileException) {
                            return FileVisitResult.CONTINUE;    // a file that went away, or a link to nowhere
                        }
                        String reason = why instanceof AccessDeniedException ? "permission denied"
                                : why instanceof FileSystemLoopException ? "a link that goes round in circles"
                                : String.valueOf(why.getMessage());
                        throw new IOException("cannot read " + file + ": " + reason);
                    }
                });
    }
}
