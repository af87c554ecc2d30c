package packetpig.engine;

import java.io.IOException;
import org.apache.pig.PigServer;
import org.apache.pig.backend.executionengine.ExecException;
import org.apache.pig.impl.PigContext;

/**
 * Pig's server, with line numbers mended: Pig loses count where a statement of several lines begins on the line on
 * which another one ended (as the user's first statement does, behind our own IMPORTs).
 */
final class Server extends PigServer {
    private boolean collecting;
    private int lastLine;

    Server(PigContext context) throws ExecException {
        super(context, true);
    }

    @Override
    public void setSkipParseInRegisterForBatch(boolean skip) {
        collecting = skip;
        super.setSkipParseInRegisterForBatch(skip);
    }

    /** What stands before the user's script; on one line. */
    void prelude(String statements) throws IOException {
        super.registerQuery(statements, 1);
    }

    @Override
    public void registerQuery(String query, int startLine) throws IOException {
        lastLine = startLine + (int) query.chars().filter(each -> each == '\n').count();
        int end = query.indexOf('\n');
        if (!collecting || !isBatchOn() || end < 0) {
            super.registerQuery(query, startLine);
            return;
        }
        super.registerQuery(query.substring(0, end), startLine);
        super.registerQuery(query.substring(end + 1), startLine + 1);
    }

    /** Looks at all statements so far as if they were to be run: names, columns, types. */
    void validate() throws IOException {
        super.setSkipParseInRegisterForBatch(false);
        setValidateEachStatement(true);
        super.registerQuery("", lastLine + 1);
    }

    /** The line on which the newest statement ended. */
    int lastLine() {
        return lastLine;
    }
}
