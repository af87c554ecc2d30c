package packetpig.engine;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.apache.hadoop.util.ShutdownHookManager;

/**
 * The private folder for everything temporary of one run: Pig's, Hadoop's and the JVM's. It goes with the run, however
 * that ends; what a killed run (SIGKILL) left behind, the next one removes.
 */
final class Workspace {
    private static final String PREFIX = "packetpig-";
    /** After Hadoop's own hooks, the last of which (FileSystem's) has 10. */
    private static final int LAST = 1;

    final Path folder;

    private Workspace(Path folder) {
        this.folder = folder;
    }

    static Workspace create() throws IOException {
        String set = System.getenv("TMPDIR");
        Path parent = Paths.get(set == null || set.isEmpty() ? "/tmp" : set).toAbsolutePath();
        sweep(parent);
        Path folder = Files.createTempDirectory(parent, PREFIX + ProcessHandle.current().pid() + "-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path tmp = Files.createDirectory(folder.resolve("tmp"));
        System.setProperty("java.io.tmpdir", tmp.toString());
        return new Workspace(folder);
    }

    String path(String name) {
        return folder.resolve(name).toString();
    }

    void removeAtExit() {
        ShutdownHookManager.get().addShutdownHook(this::leave, LAST);
    }

    /** Ends the processes that this one started, and removes the folder. */
    void leave() {
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
        remove(folder);
    }

    /** Removes the folders of runs whose process is gone. */
    private static void sweep(Path parent) {
        try (Stream<Path> folders = Files.list(parent)) {
            folders.filter(Workspace::abandoned).forEach(Workspace::remove);
        } catch (IOException ignored) {
            // not ours to read; nothing to sweep then
        }
    }

    private static boolean abandoned(Path folder) {
        String[] parts = folder.getFileName().toString().split("-");
        if (parts.length != 3 || !PREFIX.equals(parts[0] + "-") || !parts[1].matches("[0-9]{1,9}")) {
            return false;
        }
        try {
            return ProcessHandle.of(Long.parseLong(parts[1])).isEmpty()
                && Files.getOwner(folder).getName().equals(System.getProperty("user.name"));
        } catch (IOException gone) {
            return false;
        }
    }

    private static void remove(Path folder) {
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException problem) {
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path directory, IOException problem) throws IOException {
                    Files.deleteIfExists(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException ignored) {
            // a task may still be writing; the next run's sweep gets the rest
        }
    }
}
