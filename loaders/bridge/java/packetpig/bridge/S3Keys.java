package packetpig.bridge;

import java.util.Map;

/** Keys of S3: what Hadoop calls them, and the variables in which AWS's tools, and Python, look for them. */
public final class S3Keys {
    /** Variables by properties. */
    public static final Map<String, String> VARIABLES = Map.of(
            "fs.s3a.access.key", "AWS_ACCESS_KEY_ID",
            "fs.s3a.secret.key", "AWS_SECRET_ACCESS_KEY",
            "fs.s3a.session.token", "AWS_SESSION_TOKEN");

    private S3Keys() {
    }
}
