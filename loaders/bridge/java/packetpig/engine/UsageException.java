package packetpig.engine;

/** The user asked for something that cannot be; the message says what, and the exit code is 2. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
