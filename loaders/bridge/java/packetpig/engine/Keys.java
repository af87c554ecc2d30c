package packetpig.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapreduce.MRJobConfig;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.alias.CredentialProviderFactory;
import org.apache.hadoop.security.alias.UserProvider;
import packetpig.bridge.S3Keys;

/**
 * Keys of S3 for a cluster's tasks, which do not see this environment. They travel as Hadoop's own tokens do, in a
 * job's credentials (files in private folders, which go with the job), and never in its configuration, which is shown.
 */
final class Keys {
    private static final String S3 = "fs.s3a.";
    private static final Pattern SECRET = Pattern.compile(
        Pattern.quote(S3) + "(bucket\\..+\\.)?(access\\.key|secret\\.key|session\\.token|encryption\\.key|server-side-encryption\\.key"
        + "|proxy\\.password)");
    /** Variables for tasks: NAME.env.VARIABLE=…, or NAME.env=VARIABLE=…,… */
    private static final Pattern SECRET_VARIABLE =
        Pattern.compile(".*env[.=].*AWS_(SECRET_ACCESS_KEY|SESSION_TOKEN)=.*", Pattern.DOTALL);
    private static final String CREDENTIALS = MRJobConfig.MAPREDUCE_JOB_CREDENTIALS_BINARY;
    private static final String OF_THE_JOB = UserProvider.SCHEME_NAME + ":///";

    private Keys() {
    }

    /** Whether a property's value is nobody's business. */
    private static boolean isSecret(String name) {
        return SECRET.matcher(name).matches();
    }

    /** Whether NAME=VALUE has a key in it; variables of tasks stand in a job's configuration, too. */
    static boolean isSecret(String name, String value) {
        return isSecret(name) || SECRET_VARIABLE.matcher(name + "=" + value).matches();
    }

    /** Moves keys from the properties, the configuration and the environment to what jobs take along. */
    static void handOver(Properties properties, Workspace workspace) throws IOException {
        Configuration conf = new Configuration();
        properties.stringPropertyNames().forEach(name -> conf.set(name, properties.getProperty(name)));
        Map<String, String> keys = fromEnvironment();
        conf.getPropsWithPrefix(S3).forEach((name, value) -> { // what is written down wins, as it does in Hadoop
            if (isSecret(S3 + name)) {
                keys.put(S3 + name, value);
            }
        });
        keys.values().removeIf(String::isEmpty);
        if (keys.isEmpty()) {
            return;
        }
        Credentials credentials = new Credentials();
        String given = conf.get(CREDENTIALS);
        if (given != null) {
            credentials.addAll(Credentials.readTokenStorageFile(FileSystem.getLocal(conf).makeQualified(new Path(given)), conf));
        }
        keys.forEach((name, value) -> credentials.addSecretKey(new Text(name), value.getBytes(StandardCharsets.UTF_8)));
        UserGroupInformation.getCurrentUser().addCredentials(credentials);
        Path file = new Path("file", null, workspace.path("credentials")); // Pig on Tez looks here alone
        credentials.writeTokenStorageFile(file, conf);
        properties.setProperty(CREDENTIALS, file.toUri().getPath());
        keys.keySet().forEach(name -> properties.setProperty(name, ""));
        String others = conf.getTrimmed(CredentialProviderFactory.CREDENTIAL_PROVIDER_PATH, "");
        properties.setProperty(CredentialProviderFactory.CREDENTIAL_PROVIDER_PATH,
            others.isEmpty() ? OF_THE_JOB : others + "," + OF_THE_JOB);
    }

    private static Map<String, String> fromEnvironment() {
        Map<String, String> keys = new HashMap<>();
        S3Keys.VARIABLES.forEach((property, variable) -> {
            String value = System.getenv(variable);
            if (value != null) {
                keys.put(property, value);
            }
        });
        return keys;
    }
}
