package packetpig.bridge;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.pig.Expression;
import org.apache.pig.Expression.BetweenExpression;
import org.apache.pig.Expression.BinaryExpression;
import org.apache.pig.Expression.Column;
import org.apache.pig.Expression.Const;
import org.apache.pig.Expression.InExpression;
import org.apache.pig.Expression.OpType;
import org.apache.pig.Expression.UnaryExpression;
import org.apache.pig.data.DataByteArray;

/**
 * The filter that Pig pushes down, in the JSON of docs/bridge.md. What is not understood becomes "unknown", which
 * keeps rows: a pushed filter is a hint.
 */
final class FilterJson {
    /** Every operator is taken: the more of a filter Pig hands over, the fewer rows are made. */
    static final List<OpType> OPERATORS = List.of(OpType.values());

    private static final List<Object> UNKNOWN = List.of("unknown");
    private static final Map<OpType, String> NAMES = new HashMap<>();

    static {
        NAMES.put(OpType.OP_PLUS, "+");
        NAMES.put(OpType.OP_MINUS, "-");
        NAMES.put(OpType.OP_TIMES, "*");
        NAMES.put(OpType.OP_DIV, "/");
        NAMES.put(OpType.OP_MOD, "%");
        NAMES.put(OpType.OP_EQ, "==");
        NAMES.put(OpType.OP_NE, "!=");
        NAMES.put(OpType.OP_GT, ">");
        NAMES.put(OpType.OP_GE, ">=");
        NAMES.put(OpType.OP_LT, "<");
        NAMES.put(OpType.OP_LE, "<=");
        NAMES.put(OpType.OP_MATCH, "matches");
        NAMES.put(OpType.OP_AND, "and");
        NAMES.put(OpType.OP_OR, "or");
        NAMES.put(OpType.OP_NULL, "is null");
        NAMES.put(OpType.OP_NOT, "not");
    }

    /** The schema's columns and their types, of {@link org.apache.pig.data.DataType}. */
    private final Map<String, Byte> columns;

    FilterJson(Map<String, Byte> columns) {
        this.columns = columns;
    }

    /** The expression as lists and scalars, for {@link Json}. */
    List<Object> of(Expression expression) {
        if (expression instanceof Column) {
            Column column = (Column) expression;
            Byte type = column.getName() == null ? null : columns.get(column.getName());
            // A LOAD … AS may give columns other names, which Pig translates back only in parts of a filter.
            return type != null && type == column.getDataType() ? list("column", column.getName()) : UNKNOWN;
        }
        if (expression instanceof Const) {
            return constant(((Const) expression).getValue());
        }
        if (expression instanceof UnaryExpression && NAMES.containsKey(expression.getOpType())) {
            return list(NAMES.get(expression.getOpType()), of(((UnaryExpression) expression).getExpression()));
        }
        if (expression instanceof BinaryExpression) {
            return binary((BinaryExpression) expression);
        }
        return UNKNOWN;
    }

    private List<Object> binary(BinaryExpression expression) {
        Expression right = expression.getRhs();
        List<Object> left = of(expression.getLhs());
        if (right instanceof InExpression) {
            List<Object> in = list("in", left);
            for (Object value : ((InExpression) right).getValues()) {
                in.add(value instanceof Expression ? of((Expression) value) : constant(value));
            }
            return in;
        }
        if (right instanceof BetweenExpression) {
            BetweenExpression between = (BetweenExpression) right;
            return list("and", list(">=", left, constant(between.getLower())),
                    list("<=", left, constant(between.getUpper())));
        }
        String name = NAMES.get(expression.getOpType());
        return name == null ? UNKNOWN : list(name, left, of(right));
    }

    private static List<Object> constant(Object value) {
        if (value instanceof Integer) {
            return list("int", value);
        } else if (value instanceof Long) {
            return list("long", value);
        } else if (value instanceof Float || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            return Double.isFinite(number) ? list(value instanceof Float ? "float" : "double", number) : UNKNOWN;
        } else if (value instanceof String) {
            return list("chararray", value);
        } else if (value instanceof Boolean) {
            return list("boolean", value);
        } else if (value instanceof DataByteArray) {
            return list("bytearray", Base64.getEncoder().encodeToString(((DataByteArray) value).get()));
        }
        return UNKNOWN;
    }

    private static List<Object> list(Object... items) {
        return new ArrayList<>(Arrays.asList(items));
    }
}
