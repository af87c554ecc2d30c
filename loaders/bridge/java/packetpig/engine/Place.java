package packetpig.engine;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where in a script something is wrong, and what; as Pig's messages say it in several ways. */
final class Place {
    /** {@code <file a.pig, line 7, column 3> what}, {@code <line 7, column 3> what}, {@code <at a.pig, line 7> what}. */
    private static final Pattern LINE = Pattern.compile(
        "<(?:(?:file |at )([^,>]+), )?line (\\d+)(?:, column \\d+)?>\\s*(?:null\\. Reason: )?(.*)", Pattern.DOTALL);
    /** Inside a macro Pig counts the macro's own lines; this says where the script called it. */
    private static final Pattern MACRO = Pattern.compile("at expanding macro '([^']+)' \\(([^()]+):(\\d+)\\)");

    private final String file;
    private final String line;
    private final String macro;
    private final String problem;

    private Place(String file, String line, String macro, String problem) {
        this.file = file;
        this.line = line;
        this.macro = macro;
        this.problem = problem;
    }

    /** @return null if the message names no place */
    static Place in(String message) {
        Matcher match = LINE.matcher(String.valueOf(message));
        if (!match.find() || match.group(3).isBlank()) {
            return null;
        }
        Place place = new Place(match.group(1), match.group(2), null, match.group(3));
        Matcher calls = MACRO.matcher(message);
        while (calls.find()) { // the last one is the outermost
            place = new Place(calls.group(2), calls.group(3), calls.group(1), match.group(3));
        }
        return place;
    }

    /** What is wrong, in Pig's words. */
    String problem() {
        return problem;
    }

    /** "script.pig, line 7: ". @param script what the user called the script, or null */
    String prefix(String script) {
        String named = file != null ? file : script == null || script.equals("-") ? null : script;
        return (named == null ? "" : named + ", ") + "line " + line + ": " + inMacro();
    }

    /** "in macro TOP: ", or nothing. */
    String inMacro() {
        return macro == null ? "" : "in macro " + macro + ": ";
    }
}
