package packetpig.bridge;

import java.io.IOException;
import java.util.Properties;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.Job;
import org.apache.hadoop.mapreduce.OutputFormat;
import org.apache.hadoop.mapreduce.RecordWriter;
import org.apache.hadoop.mapreduce.lib.output.FileOutputFormat;
import org.apache.pig.ResourceSchema;
import org.apache.pig.ResourceSchema.ResourceFieldSchema;
import org.apache.pig.StoreFunc;
import org.apache.pig.data.DataByteArray;
import org.apache.pig.data.DataType;
import org.apache.pig.data.Tuple;
import org.apache.pig.impl.util.UDFContext;

/**
 * Stores packets as captures that Wireshark opens: {@code STORE packets INTO 'evidence' USING PcapStorage();}. The
 * columns are found by their names: {@code frame}, {@code length}, {@code link_type}, and {@code ts_ns} (the captures
 * have nanoseconds) or else {@code ts} (microseconds). Each task writes one file a link type,
 * {@code part-m-00000-1.pcap}.
 */
public class PcapStorage extends StoreFunc {
    private static final String PLACES = "places";

    private String signature;
    private int frame;
    private int length;
    private int linkType;
    private int time;
    private boolean nanos;
    private PcapOutputFormat.Writer writer;

    @Override
    public final void setStoreFuncUDFContextSignature(String udfSignature) {
        signature = udfSignature;
    }

    private Properties kept() {
        return UDFContext.getUDFContext().getUDFProperties(PcapStorage.class, new String[] {String.valueOf(signature)});
    }

    @Override
    public final void checkSchema(ResourceSchema schema) throws IOException {
        ResourceFieldSchema[] fields = schema == null ? new ResourceFieldSchema[0] : schema.getFields();
        boolean exact = find(fields, "ts_ns") >= 0;
        kept().setProperty(PLACES, String.join(",",
                place(fields, "frame", DataType.BYTEARRAY),
                place(fields, "length", DataType.INTEGER, DataType.LONG),
                place(fields, "link_type", DataType.INTEGER, DataType.LONG),
                exact ? place(fields, "ts_ns", DataType.LONG) : place(fields, "ts", DataType.DOUBLE),
                exact ? "1" : "0"));
    }

    private static String place(ResourceFieldSchema[] fields, String name, byte... types) throws IOException {
        int found = find(fields, name);
        if (found < 0) {
            throw new IOException("PcapStorage needs the columns frame, length, link_type, and ts_ns or ts, as "
                    + "PacketLoader gives them; there is no " + (name.equals("ts") ? "ts_ns or ts" : name));
        }
        for (byte type : types) {
            if (fields[found].getType() == type) {
                return Integer.toString(found);
            }
        }
        throw new IOException("PcapStorage: the column " + name + " is " + DataType.findTypeName(fields[found].getType())
                + ", not " + DataType.findTypeName(types[0]));
    }

    /** The column NAME, also with the name of a relation before it, as a JOIN gives it; the first if there are many. */
    private static int find(ResourceFieldSchema[] fields, String name) {
        for (int i = 0; i < fields.length; i++) {
            String given = fields[i].getName();
            if (given != null && given.substring(given.lastIndexOf(':') + 1).equals(name)) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public final OutputFormat<?, ?> getOutputFormat() {
        return new PcapOutputFormat();
    }

    @Override
    public final void setStoreLocation(String location, Job job) {
        FileOutputFormat.setOutputPath(job, new Path(location));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public final void prepareToWrite(RecordWriter recordWriter) {
        String[] places = kept().getProperty(PLACES).split(",");
        frame = Integer.parseInt(places[0]);
        length = Integer.parseInt(places[1]);
        linkType = Integer.parseInt(places[2]);
        time = Integer.parseInt(places[3]);
        nanos = places[4].equals("1");
        writer = (PcapOutputFormat.Writer) recordWriter;
    }

    @Override
    public final void putNext(Tuple row) throws IOException {
        DataByteArray bytes = (DataByteArray) row.get(frame);
        Number type = (Number) row.get(linkType);
        if (bytes == null || type == null) {
            writer.count("packets without a frame, not stored");
            return;
        }
        Number onWire = (Number) row.get(length);
        Number when = (Number) row.get(time);
        long total = onWire == null ? bytes.size() : onWire.longValue();
        long since = when == null ? 0 : nanos ? when.longValue() : Math.round(when.doubleValue() * 1e6) * 1000;
        if (when == null) {
            writer.count("packets without a time, stored with 0");
        }
        writer.write(type.intValue(), nanos, since, total, bytes.get());
    }
}
