using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>
/// Reads a label column as floats: numbers and booleans as they are (true is 1), classes as their index in
/// <see cref="Classes"/>. Immutable and safe for many threads.
/// </summary>
public sealed class LabelEncoder
{
    private const int MaxClasses = 65_536;

    private LabelEncoder(string name, ColumnType type, ImmutableArray<string> classes)
    {
        Name = name;
        Type = type;
        Classes = classes;
    }

    /// <summary>The label column.</summary>
    public string Name { get; }

    /// <summary>The type it had when it was fitted.</summary>
    public ColumnType Type { get; }

    /// <summary>Class names in the order of their floats 0, 1, ...: text by its UTF-8 bytes, numbers ascending. Empty where the label is a number or boolean taken as it is.</summary>
    public ImmutableArray<string> Classes { get; }

    /// <summary>Fits on a table.</summary>
    /// <param name="table">Training rows.</param>
    /// <param name="name">The label column.</param>
    /// <param name="task">
    /// What is to be learnt. Binary: booleans, the numbers 0 and 1, or any two values. Multiclass: any values, each a class.
    /// Regression: numbers. Null: text as classes, anything else as it is.
    /// </param>
    /// <exception cref="GristmillException">unknown_column; type_mismatch for timestamps and for text in a regression; bad_value for null labels or a wrong number of classes.</exception>
    public static LabelEncoder Fit(IReadOnlyList<RecordBatch> table, string name, ModelTask? task = null)
    {
        if (table.Count == 0)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"There are no rows to learn the label '{name}' from.");
        }

        var type = TypeIn(table[0], name);
        if (type == ColumnType.Timestamp || (type == ColumnType.String && task == ModelTask.Regression))
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"The label '{name}' is a {type.ToString().ToLowerInvariant()}, which is not a number.",
                "Compute a number or boolean from it in SQL.").With("column", name);
        }

        if (task is ModelTask.Regression || (task is null or ModelTask.Binary && type == ColumnType.Boolean) || (task is null && type == ColumnType.Number))
        {
            return new LabelEncoder(name, type, []);
        }

        var column = new InputColumn(name, type);
        var index = new ValueIndex(type);
        var codes = new int[Block.Rows];
        long row = 0;
        foreach (var batch in table)
        {
            var source = new CodeSource(new LearningCoder(index, column), column, column.Find(batch), row);
            for (var start = 0; start < batch.Length; start += Block.Rows)
            {
                var count = Math.Min(Block.Rows, batch.Length - start);
                source.Read(start, codes.AsSpan(0, count));
                if (codes.AsSpan(0, count).IndexOf(0) is var missing and >= 0)
                {
                    throw Missing(name, row + start + missing);
                }

                if (index.Count > MaxClasses)
                {
                    throw new GristmillException(ErrorCodes.BadValue, $"The label '{name}' has more than {MaxClasses} classes.",
                        "Name another label, or learn it as a number.").With("column", name);
                }
            }

            row += batch.Length;
        }

        var order = Enumerable.Range(1, index.Count).ToArray();
        System.Array.Sort(order, index.CompareValues);
        ImmutableArray<string> classes = [.. order.Select(index.NameOf)];
        if (task == ModelTask.Binary && type == ColumnType.Number && classes.All(c => c is "0" or "1"))
        {
            return new LabelEncoder(name, type, []);
        }

        return classes.Length < 2 || (task == ModelTask.Binary && classes.Length != 2)
            ? throw new GristmillException(ErrorCodes.BadValue,
                $"The label '{name}' has {classes.Length} classes ({string.Join(", ", classes.Take(5))}{(classes.Length > 5 ? ", ..." : "")}); {(task == ModelTask.Binary ? "a binary task takes 2" : "it takes 2 or more")}.",
                "Look at the label column, or choose another task.").With("column", name)
            : new LabelEncoder(name, type, classes);
    }

    /// <summary>A label whose classes are known, such as from a model's manifest; empty for a number or boolean.</summary>
    public static LabelEncoder Of(string name, ImmutableArray<string> classes) =>
        new(name, classes.IsDefaultOrEmpty ? ColumnType.Number : ColumnType.String, classes.IsDefault ? [] : classes);

    /// <summary>Reads all labels of a batch.</summary>
    /// <param name="batch">Rows with the label column; if there are classes, of any type whose values are among them.</param>
    /// <param name="labels">batch.Length floats.</param>
    /// <exception cref="GristmillException">unknown_column; type_mismatch; bad_value for null, NaN, infinity and unknown classes, with the row.</exception>
    public void Encode(RecordBatch batch, Span<float> labels) => Encode(batch, labels, 0);

    internal static LabelEncoder Load(FittedLabel fitted) => new(fitted.Name, fitted.Type, fitted.Classes);

    internal FittedLabel Save() => new(Name, Type, Classes);

    internal void Encode(RecordBatch batch, Span<float> labels, long rowBase)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, batch.Length);
        Bind(batch, rowBase).Read(0, labels);
    }

    /// <summary>Resolves the label in a batch once, for many ranges of rows.</summary>
    internal BoundLabel Bind(RecordBatch batch, long rowBase)
    {
        var column = new InputColumn(Name, TypeIn(batch, Name));
        return new BoundLabel(this, column, column.Find(batch), rowBase);
    }

    /// <summary>Resolves the label in each batch of a table.</summary>
    internal BoundLabel[] Bind(IReadOnlyList<RecordBatch> table)
    {
        var bound = new BoundLabel[table.Count];
        long rowBase = 0;
        for (var b = 0; b < bound.Length; rowBase += table[b++].Length)
        {
            bound[b] = Bind(table[b], rowBase);
        }

        return bound;
    }

    private static ColumnType TypeIn(RecordBatch batch, string name)
    {
        var field = InputColumn.IndexOf(batch.Schema, name);
        return field >= 0
            ? InputColumn.Of(batch.Schema.FieldsList[field]).Type
            : throw new GristmillException(ErrorCodes.UnknownColumn,
                $"The label column '{name}' is missing; there are {string.Join(", ", batch.Schema.FieldsList.Select(f => $"'{f.Name}'"))}.",
                "Name a column of the table as the label.").With("column", name);
    }

    private static GristmillException Missing(string name, long row) =>
        new InputColumn(name, ColumnType.Number).BadValue(row, "the label is null or NaN", "Filter such rows out.");

    /// <summary>The label of one batch. Safe for many threads.</summary>
    internal sealed class BoundLabel
    {
        private readonly LabelEncoder _owner;
        private readonly InputColumn _column;
        private readonly IArrowArray _array;
        private readonly long _rowBase;
        private readonly CodeSource? _codes;

        public BoundLabel(LabelEncoder owner, InputColumn column, IArrowArray array, long rowBase)
        {
            _owner = owner;
            _column = column;
            _array = array;
            _rowBase = rowBase;
            if (!owner.Classes.IsEmpty)
            {
                _codes = new CodeSource(Index(owner, column), column, array, rowBase);
            }
            else if (column.Type is not (ColumnType.Number or ColumnType.Boolean))
            {
                throw new GristmillException(ErrorCodes.TypeMismatch,
                    $"The label '{column.Name}' is a {column.Type.ToString().ToLowerInvariant()}, not a number or boolean.",
                    "Compute a number or boolean from it in SQL.").With("column", column.Name);
            }
        }

        /// <summary>Reads rows start .. start + labels.Length.</summary>
        public void Read(int start, Span<float> labels)
        {
            if (_codes is null)
            {
                Numbers(start, labels);
            }
            else
            {
                Codes(start, labels);
            }
        }

        // The classes as values of the type the column has here: classes from a manifest are text, whatever they were.
        private static ValueIndex Index(LabelEncoder owner, InputColumn column)
        {
            var index = new ValueIndex(column.Type);
            foreach (var name in owner.Classes)
            {
                try
                {
                    index.AddName(name);
                }
                catch (FormatException e)
                {
                    throw new GristmillException(ErrorCodes.TypeMismatch,
                        $"The label '{owner.Name}' is a {column.Type.ToString().ToLowerInvariant()} here, but its class '{name}' is not.",
                        "Cast the label in SQL.", e).With("column", owner.Name);
                }
            }

            return index;
        }

        private void Numbers(int start, Span<float> labels)
        {
            Span<double> values = stackalloc double[Block.Rows];
            for (var done = 0; done < labels.Length; done += Block.Rows)
            {
                var block = values[..Math.Min(Block.Rows, labels.Length - done)];
                NumberReader.Read(_array, _column, start + done, block);
                for (var i = 0; i < block.Length; i++)
                {
                    var label = (float)block[i];
                    labels[done + i] = float.IsFinite(label) ? label
                        : double.IsNaN(block[i]) ? throw Missing(_column.Name, _rowBase + start + done + i)
                        : throw _column.BadValue(_rowBase + start + done + i, "the label does not fit a 32-bit float", "Filter such rows out.");
                }
            }
        }

        private void Codes(int start, Span<float> labels)
        {
            Span<int> codes = stackalloc int[Block.Rows];
            for (var done = 0; done < labels.Length; done += Block.Rows)
            {
                var block = codes[..Math.Min(Block.Rows, labels.Length - done)];
                _codes!.Read(start + done, block);
                for (var i = 0; i < block.Length; i++)
                {
                    labels[done + i] = block[i] > 0 ? block[i] - 1 : throw _column.BadValue(_rowBase + start + done + i,
                        "the label is null or none of the classes the model knows", $"The classes are {string.Join(", ", _owner.Classes.Take(20))}.");
                }
            }
        }
    }
}
