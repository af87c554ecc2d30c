package packetpig.bridge;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.mapreduce.InputFormat;
import org.apache.hadoop.mapreduce.Job;
import org.apache.hadoop.mapreduce.RecordReader;
import org.apache.pig.Expression;
import org.apache.pig.LoadFunc;
import org.apache.pig.LoadMetadata;
import org.apache.pig.LoadPredicatePushdown;
import org.apache.pig.LoadPushDown;
import org.apache.pig.PigConfiguration;
import org.apache.pig.ResourceSchema;
import org.apache.pig.ResourceSchema.ResourceFieldSchema;
import org.apache.pig.ResourceStatistics;
import org.apache.pig.backend.hadoop.executionengine.mapReduceLayer.PigSplit;
import org.apache.pig.data.Tuple;
import org.apache.pig.impl.logicalLayer.FrontendException;
import org.apache.pig.impl.util.UDFContext;
import org.apache.pig.impl.util.Utils;

/**
 * Loads captures through a Python loader: {@code LOAD 'captures' USING CaptureLoader('packets', 'tunnel=inner')}. The
 * build makes a class with a short name for each loader ({@code PacketLoader('tunnel=inner')}). Pig learns the schema,
 * and passes down the columns that a script uses and its filter. What this class learns while Pig plans, it keeps for
 * the tasks in Pig's UDFContext, under the LOAD's signature.
 */
public class CaptureLoader extends LoadFunc implements LoadMetadata, LoadPushDown, LoadPredicatePushdown {
    private static final String SCHEMA = "schema";
    private static final String SPLIT = "split";
    private static final String COLUMNS = "columns";
    private static final String FILTER = "filter";
    /** Set where LOAD … AS gives columns other names: a filter may then mean another column than it says. */
    private static final String RENAMED = "renamed";

    private final String loader;
    private final Options options;
    private String signature;
    private String location;
    private CaptureReader reader;

    /**
     * A loader.
     *
     * @param loader its name, or the Python module that has it
     * @param options {@code name=value}
     */
    public CaptureLoader(String loader, String... options) {
        this.loader = loader;
        this.options = new Options(options);
    }

    @Override
    public final void setUDFContextSignature(String udfSignature) {
        signature = udfSignature;
    }

    private Properties kept() {
        return UDFContext.getUDFContext().getUDFProperties(CaptureLoader.class, new String[] {String.valueOf(signature)});
    }

    @Override
    public final void setLocation(String where, Job job) throws IOException {
        location = where;
        // Captures that belong together are in one split already; other loaders' small files are for Pig to combine.
        job.getConfiguration().setBoolean(PigConfiguration.PIG_NO_SPLIT_COMBINATION, true);
    }

    @Override
    public final ResourceSchema getSchema(String where, Job job) throws IOException {
        CaptureReader.closeForgotten();
        Properties kept = kept();
        // A plan that is made again, as Grunt does for each DUMP, must not find what an earlier one pushed down.
        kept.remove(COLUMNS);
        kept.remove(FILTER);
        kept.remove(RENAMED);
        return new ResourceSchema(Utils.getSchemaFromString(describe(job.getConfiguration()).getProperty(SCHEMA)));
    }

    /** What is kept, with the loader's description in it. */
    private Properties describe(Configuration conf) throws IOException {
        Properties kept = kept();
        if (kept.getProperty(SCHEMA) == null) {
            LoaderDescription description = LoaderDescription.of(loader, options, conf);
            kept.setProperty(SCHEMA, description.schema);
            kept.setProperty(SPLIT, description.split);
        }
        return kept;
    }

    /** The schema's columns with their types. */
    private static Map<String, Byte> columns(Properties kept) throws IOException {
        Map<String, Byte> columns = new LinkedHashMap<>();
        ResourceSchema schema = new ResourceSchema(Utils.getSchemaFromString(kept.getProperty(SCHEMA)));
        for (ResourceFieldSchema field : schema.getFields()) {
            columns.put(field.getName(), field.getType());
        }
        return columns;
    }

    @Override
    public final ResourceStatistics getStatistics(String where, Job job) throws IOException {
        long total = new WorkerJob(loader, options, Map.of(), true, null, "never", where).list(job.getConfiguration())
                .captures().stream().mapToLong(Capture::length).sum();
        ResourceStatistics statistics = new ResourceStatistics();
        statistics.setSizeInBytes(total);
        return statistics;
    }

    @Override
    public final String[] getPartitionKeys(String where, Job job) {
        return null;
    }

    @Override
    public final void setPartitionFilter(Expression filter) {
        throw new UnsupportedOperationException("there are no partitions");
    }

    @Override
    public final List<OperatorSet> getFeatures() {
        return List.of(OperatorSet.PROJECTION);
    }

    @Override
    public final RequiredFieldResponse pushProjection(RequiredFieldList required) throws FrontendException {
        if (required == null || required.getFields() == null) {
            return new RequiredFieldResponse(false);
        }
        Properties kept = kept();
        List<String> names;
        try {
            names = new ArrayList<>(columns(kept).keySet());
        } catch (IOException e) {
            throw new FrontendException(e);
        }
        List<String> indexes = new ArrayList<>();
        for (RequiredField field : required.getFields()) {
            indexes.add(Integer.toString(field.getIndex()));    // parts of a map keep the whole map
            if (field.getAlias() != null && !field.getAlias().equals(names.get(field.getIndex()))) {
                kept.setProperty(RENAMED, "true");
            }
        }
        kept.setProperty(COLUMNS, String.join(",", indexes));
        return new RequiredFieldResponse(true);
    }

    @Override
    public final List<String> getPredicateFields(String where, Job job) throws IOException {
        return new ArrayList<>(columns(describe(job.getConfiguration())).keySet());
    }

    @Override
    public final List<Expression.OpType> getSupportedExpressionTypes() {
        return FilterJson.OPERATORS;
    }

    @Override
    public final void setPushdownPredicate(Expression filter) throws IOException {
        Properties kept = kept();
        kept.setProperty(FILTER, Json.write(new FilterJson(columns(kept)).of(filter)));
    }

    @Override
    public final InputFormat<?, ?> getInputFormat() throws IOException {
        Properties kept = describe(UDFContext.getUDFContext().getJobConf());
        Map<String, Byte> all = columns(kept);
        String indexes = kept.getProperty(COLUMNS);
        Map<String, Byte> wanted = new LinkedHashMap<>();
        if (indexes == null) {
            wanted = all;
        } else if (!indexes.isEmpty()) {
            List<String> names = new ArrayList<>(all.keySet());
            for (String index : indexes.split(",")) {
                String name = names.get(Integer.parseInt(index));
                wanted.put(name, all.get(name));
            }
        }
        return new CaptureInputFormat(new WorkerJob(loader, options, wanted, indexes == null,
                kept.getProperty(RENAMED) == null ? kept.getProperty(FILTER) : null,
                kept.getProperty(SPLIT), location));
    }

    @Override
    public final void prepareToRead(@SuppressWarnings("rawtypes") RecordReader recordReader, PigSplit split) {
        reader = (CaptureReader) recordReader;
    }

    @Override
    public final Tuple getNext() throws IOException {
        return reader.nextKeyValue() ? reader.getCurrentValue() : null;
    }
}
