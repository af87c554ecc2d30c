package packetpig.engine;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.apache.hadoop.util.ShutdownHookManager;

/**
 * The private folder for everything temporary of one run: Pig's, Hadoop's and the JVM's. It goes with the run, however
 * that ends; what a killed run (SIGKILL) left behind, the next one removes: a run holds a lock on a file there, which the
 * kernel lets go of. A process's number would not do, as TMPDIR may be shared with other hosts and containers.
 */
final class Workspace {
    private static final String PREFIX = "packetpig-";
    private static final String LOCK = "lock";
    /** After Hadoop's own hooks, the last of which (FileSystem's) has 10. */
    private static final int LAST = 1;

    final Path folder;
    /** Held until the process ends. */
    private final FileChannel lock;

    private Workspace(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    static Workspace create() throws IOException {
        String set = System.getenv("TMPDIR");
        Path parent = Paths.get(set == null || set.isEmpty() ? "/tmp" : set).toAbsolutePath();
        sweep(parent);
        Path folder;
        FileChannel lock;
        do { // a sweep may come before the lock
            folder = Files.createTempDirectory(parent, PREFIX + ProcessHandle.current().pid() + "-",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            try {
                lock = locked(folder);
            } catch (IOException none) { // a file system without locks: nobody gets it, and so nobody sweeps
                lock = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE);
            }
        } while (lock == null);
        Path tmp = Files.createDirectory(folder.resolve("tmp"));
        System.setProperty("java.io.tmpdir", tmp.toString());
        return new Workspace(folder, lock);
    }

    /** The lock on a folder; null if another process has it, or has removed the folder. */
    private static FileChannel locked(Path folder) throws IOException {
        Path file = folder.resolve(LOCK);
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (NoSuchFileException gone) {
            return null;
        }
        boolean held = false;
        try {
            held = channel.tryLock() != null && Files.exists(file);
            return held ? channel : null;
        } finally {
            if (!held) {
                channel.close();
            }
        }
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

    /** Removes the folders of runs that are over. */
    private static void sweep(Path parent) {
        try (Stream<Path> folders = Files.list(parent)) {
            folders.filter(Workspace::ours).forEach(Workspace::removeIfAbandoned);
        } catch (IOException ignored) {
            // not ours to read; nothing to sweep then
        }
    }

    private static boolean ours(Path folder) {
        String[] parts = folder.getFileName().toString().split("-");
        if (parts.length != 3 || !PREFIX.equals(parts[0] + "-") || !parts[1].matches("[0-9]{1,9}")) {
            return false;
        }
        try {
            return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                && Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).getName().equals(System.getProperty("user.name"));
        } catch (IOException gone) {
            return false;
        }
    }

    private static void removeIfAbandoned(Path folder) {
        long owner = Long.parseLong(folder.getFileName().toString().split("-")[1]);
        if (!Files.exists(folder.resolve(LOCK)) && ProcessHandle.of(owner).isPresent()) {
            return; // it is just being made, or is an older version's
        }
        try (FileChannel lock = locked(folder)) {
            if (lock != null) {
                remove(folder);
            }
        } catch (IOException ignored) {
            // another run was faster
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
