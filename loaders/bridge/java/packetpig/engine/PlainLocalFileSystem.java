package packetpig.engine;

import org.apache.hadoop.fs.LocalFileSystem;

/** Hadoop's local file system without the hidden .crc files that it otherwise puts beside everything it writes. */
public final class PlainLocalFileSystem extends LocalFileSystem {
    /** Called by Hadoop. */
    public PlainLocalFileSystem() {
        setWriteChecksum(false);
        setVerifyChecksum(false);
    }
}
