package packetpig.bridge;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.pig.data.DataBag;
import org.apache.pig.data.DataByteArray;
import org.apache.pig.data.Tuple;

/** Lets the tests ask parts of the bridge: a JSON object a line on standard input, one a line as its answer. */
public final class Probe {
    private Probe() {
    }

    /** Answers until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            try {
                Map<String, Object> question = Json.object(line);
                answer.put("answer", answer((String) question.get("ask"), question));
            } catch (IOException | IllegalArgumentException e) {
                answer.put("error", String.valueOf(e.getMessage()));
            } catch (Throwable e) {
                answer.put("bug", e.toString());
            }
            byte[] bytes = (Json.write(answer) + "\n").getBytes(StandardCharsets.UTF_8);
            System.out.write(bytes, 0, bytes.length);
            System.out.flush();
        }
    }

    private static Object answer(String what, Map<String, Object> question) throws Exception {
        switch (what) {
            case "plan":
                return plan(question);
            case "list":
                return captures(CaptureList.of((String) question.get("location"), new Configuration(),
                        Boolean.TRUE.equals(question.get("sensors")), Boolean.TRUE.equals(question.get("skip")))
                        .captures());
            case "arrow":
                return arrow(Base64.getDecoder().decode((String) question.get("stream")));
            case "options":
                new Options(strings(question.get("options"))).check("fake", List.of("mode"));
                return true;
            case "value":
                return value(Base64.getDecoder().decode((String) question.get("bytes")));
            case "local target":
                return CaptureInputFormat.localTarget((Long) question.get("total"), new Configuration());
            case "balance":
                long sum = 0;
                for (Object item : (List<?>) question.get("splits")) {
                    List<?> split = (List<?>) item;
                    Capture capture = new Capture((String) split.get(0), null, (Long) split.get(1),
                            (Long) split.get(2), (Long) split.get(3), "", "");
                    sum += SplitBalance.of(capture, (Long) split.get(4), (Long) split.get(5));
                }
                return sum;
            default:
                throw new IllegalArgumentException(what);
        }
    }

    private static String[] strings(Object list) {
        return ((List<?>) list).toArray(new String[0]);
    }

    private static Object plan(Map<String, Object> question) throws IOException {
        List<?> sizes = (List<?>) question.get("sizes");
        List<?> cuttable = (List<?>) question.get("cuttable");
        List<Capture> captures = new ArrayList<>();
        for (int i = 0; i < sizes.size(); i++) {
            long size = (Long) sizes.get(i);
            captures.add(new Capture(Integer.toString(i), null, size, 0, size, Integer.toString(i), "default"));
        }
        SplitPlan plan = new SplitPlan((Long) question.get("target"), Boolean.TRUE.equals(question.get("balanced")),
                capture -> Boolean.TRUE.equals(cuttable.get(Integer.parseInt(capture.name))));
        List<Object> tasks = new ArrayList<>();
        for (List<Capture> task : plan.of(captures)) {
            List<Object> ranges = new ArrayList<>();
            for (Capture range : task) {
                ranges.add(List.of(Integer.parseInt(range.name), range.start, range.end));
            }
            tasks.add(ranges);
        }
        return tasks;
    }

    private static Object captures(List<Capture> captures) {
        List<Object> list = new ArrayList<>();
        for (Capture capture : captures) {
            list.add(List.of(capture.path, capture.size, capture.name, capture.sensor));
        }
        return list;
    }

    private static Object arrow(byte[] stream) throws IOException {
        List<Object> rows = new ArrayList<>();
        List<Object> messages = new ArrayList<>();
        ArrowRows reader = new ArrowRows(new ByteArrayInputStream(stream), messages::add);
        reader.columns();
        for (Tuple row = reader.next(); row != null; row = reader.next()) {
            if (rows.size() < 10000) {
                rows.add(plain(row));
            }
        }
        return Map.of("rows", rows, "messages", messages);
    }

    /** Encodes what it has decoded: the same bytes must come out. */
    private static Object value(byte[] bytes) throws IOException {
        Object value = Values.read(ByteBuffer.wrap(bytes));
        Values values = new Values();
        values.clear(0);
        values.put(value);
        byte[] again = new byte[values.size()];
        System.arraycopy(values.bytes(), 0, again, 0, again.length);
        return Base64.getEncoder().encodeToString(again);
    }

    /** Pig's values as JSON; what JSON lacks, as text with its type. */
    private static Object plain(Object value) throws IOException {
        List<Object> list = new ArrayList<>();
        if (value instanceof Tuple) {
            for (Object item : ((Tuple) value).getAll()) {
                list.add(plain(item));
            }
            return list;
        } else if (value instanceof DataBag) {
            for (Tuple item : (DataBag) value) {
                list.add(plain(item));
            }
            return list;
        } else if (value instanceof DataByteArray) {
            return "bytes " + Base64.getEncoder().encodeToString(((DataByteArray) value).get());
        } else if (value instanceof Double && !Double.isFinite((Double) value)
                || value instanceof Float && !Float.isFinite((Float) value)) {
            return value.toString();
        } else if (value instanceof Long) {
            return "long " + value;
        } else if (value instanceof Float) {
            return "float " + value;
        }
        return value;
    }
}
