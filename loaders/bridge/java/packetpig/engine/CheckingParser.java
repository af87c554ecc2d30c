package packetpig.engine;

import java.io.Reader;
import java.util.List;
import org.apache.pig.PigServer;
import org.apache.pig.tools.grunt.GruntParser;

/** Reads a script without doing any of it: only its relations, settings and definitions are looked at. */
final class CheckingParser extends GruntParser {
    CheckingParser(Reader script, PigServer server) {
        super(script, server);
    }

    @Override
    protected void processDump(String alias) { }

    @Override
    protected void processDescribe(String alias) { }

    @Override
    protected void processExplain(String alias, String script, boolean verbose, String format, String target,
        List<String> parameters, List<String> files) { }

    @Override
    protected void processIllustrate(String alias, String script, String target, List<String> parameters,
        List<String> files) { }

    @Override
    protected void processScript(String script, boolean batch, List<String> parameters, List<String> files) { }

    @Override
    protected void processFsCommand(String[] words) { }

    @Override
    protected void processShCommand(String[] words) { }

    @Override
    protected void processSQLCommand(String command) { }

    @Override
    protected void processCat(String path) { }

    @Override
    protected void processLS(String path) { }

    @Override
    protected void processMkdir(String folder) { }

    @Override
    protected void processMove(String from, String to) { }

    @Override
    protected void processCopy(String from, String to) { }

    @Override
    protected void processCopyToLocal(String from, String to) { }

    @Override
    protected void processCopyFromLocal(String from, String to) { }

    @Override
    protected void processRemove(String path, String options) { }

    @Override
    protected void processKill(String job) { }
}
