package packetpig.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The command line: Pig's own options, as far as they make sense here. */
final class Options {
    static final String HELP = String.join("\n",
        "usage: pig [-x MODE] [-p NAME=VALUE]... [SCRIPT]      run a script (- or no terminal: from standard input)",
        "       pig [-x MODE] [-p NAME=VALUE]... -e STATEMENTS run statements",
        "       pig [-x MODE]                                  the Grunt shell",
        "",
        "  -x MODE             local (all cores of this machine; the default), tez_local, mapreduce, tez",
        "  -p NAME=VALUE       a parameter of the script ($NAME); also -param",
        "  -m FILE             parameters from a file, NAME=VALUE a line; also -param_file",
        "  -f SCRIPT           as SCRIPT",
        "  -e STATEMENTS       Pig Latin to run; may be given several times",
        "  -D NAME=VALUE       a property of Pig, Hadoop or Packetpig (-D packetpig.split.bytes=0)",
        "  -P FILE             properties from a file",
        "  -c, -check          only check that the script can be run",
        "  -r, -dryrun         only show the script with its parameters filled in",
        "  -t RULE             turn one optimization off (All: every one)",
        "  -F                  stop at the first job that fails",
        "  -M                  no multi-query optimization",
        "  -N                  no fetch: run a job even where DUMP could read directly",
        "  -v, -verbose        print the stack trace of a failure, too",
        "  -l FILE             where the log goes; also PACKETPIG_LOGS, a folder",
        "  -i, -version        versions",
        "  -h, -help           this",
        "",
        "Loaders, functions and macros of Packetpig are there without REGISTER, IMPORT or AS.",
        "On a cluster: HADOOP_CONF_DIR says where its configuration is.",
        "");

    private static final Pattern PARAMETER = Pattern.compile("(_*[a-zA-Z][a-zA-Z_0-9]*)=(.*)", Pattern.DOTALL);
    private static final Pattern QUOTED = Pattern.compile("'[^']*'|\"[^\"]*\"");

    String mode = "local";
    String script;
    final List<String> statements = new ArrayList<>();
    final Map<String, String> parameters = new LinkedHashMap<>();
    final List<String> parameterFiles = new ArrayList<>();
    final List<String> propertyFiles = new ArrayList<>();
    final List<String> rulesOff = new ArrayList<>();
    final Map<String, String> properties = new LinkedHashMap<>();
    final List<String> rest = new ArrayList<>();
    String logFile;
    boolean check;
    boolean dryRun;
    boolean verbose;
    boolean help;
    boolean version;
    boolean serve;

    private Options() {
    }

    /** @throws UsageException with a line for the user */
    static Options parse(String[] arguments) {
        Options options = new Options();
        List<String> left = new ArrayList<>(Arrays.asList(arguments));
        while (!left.isEmpty()) {
            String argument = left.remove(0);
            if (options.script != null) {
                options.scriptOption(argument, left);
            } else if (argument.equals("-") || !argument.startsWith("-")) {
                options.script = argument;
            } else {
                options.option(argument, left);
            }
        }
        if (options.script != null && !options.statements.isEmpty()) {
            throw new UsageException("a script and -e cannot both be given");
        }
        return options;
    }

    /** After the script's name options may go on; anything else is left to the script. */
    private void scriptOption(String argument, List<String> left) {
        if (argument.length() > 1 && argument.startsWith("-")) {
            option(argument, left);
        } else {
            rest.add(argument);
        }
    }

    private void option(String argument, List<String> left) {
        String name = argument.replaceFirst("^--?", "");
        if (name.startsWith("D") && !name.equals("D")) {
            property(name.substring(1));
            return;
        }
        switch (name) {
            case "x": case "exectype": mode = mode(value(argument, left)); break;
            case "p": case "param": parameter(value(argument, left)); break;
            case "m": case "param_file": parameterFiles.add(value(argument, left)); break;
            case "f": case "file": script = value(argument, left); break;
            case "e": case "execute": statements.add(value(argument, left)); break;
            case "D": property(value(argument, left)); break;
            case "P": case "propertyFile": propertyFiles.add(value(argument, left)); break;
            case "c": case "check": check = true; break;
            case "r": case "dryrun": dryRun = true; break;
            case "t": case "optimizer_off": rulesOff.add(value(argument, left)); break;
            case "F": case "stop_on_failure": properties.put("stop.on.failure", "true"); break;
            case "M": case "no_multiquery": properties.put("opt.multiquery", "false"); break;
            case "N": case "no_fetch": properties.put("opt.fetch", "false"); break;
            case "w": case "warning": properties.put("aggregate.warning", "false"); break;
            case "v": case "verbose": verbose = true; break;
            case "l": case "logfile": logFile = value(argument, left); break;
            case "i": case "version": version = true; break;
            case "serve": serve = true; break;
            case "h": case "help": help = true; break;
            default: throw new UsageException("no such option: " + argument);
        }
    }

    private void property(String text) {
        int equals = text.indexOf('=');
        if (equals < 1) {
            throw new UsageException("-D takes NAME=VALUE, not '" + text + "'");
        }
        String name = text.substring(0, equals);
        String value = text.substring(equals + 1);
        if (Keys.isSecret(name, value)) {
            throw new UsageException(name + " is a secret, and a command line is seen by others: -P FILE, or the environment");
        }
        properties.put(name, value);
    }

    /**
     * Values are taken as they are. Pig would cut them at the first space, run what is in backticks and fill in $other;
     * only the quotes that Pig wants around a value with spaces are taken off here, too.
     */
    private void parameter(String text) {
        Matcher match = PARAMETER.matcher(text);
        if (!match.matches()) {
            throw new UsageException("-p takes NAME=VALUE, not '" + text + "'");
        }
        String value = match.group(2);
        parameters.put(match.group(1), QUOTED.matcher(value).matches() ? value.substring(1, value.length() - 1) : value);
    }

    private static String mode(String text) {
        String mode = text.toLowerCase();
        if (!Arrays.asList("local", "tez_local", "mapreduce", "tez").contains(mode)) {
            throw new UsageException("-x is one of local, tez_local, mapreduce, tez, not '" + text + "'");
        }
        return mode;
    }

    private static String value(String argument, List<String> left) {
        if (left.isEmpty()) {
            throw new UsageException(argument + " needs a value");
        }
        return left.remove(0);
    }

    boolean isLocal() {
        return mode.endsWith("local");
    }

    /** The script's name without folder and suffix, for messages and job names. */
    String title() {
        if (script == null || script.equals("-")) {
            return "pig";
        }
        String name = script.substring(script.lastIndexOf('/') + 1);
        return name.endsWith(".pig") ? name.substring(0, name.length() - 4) : name;
    }
}
