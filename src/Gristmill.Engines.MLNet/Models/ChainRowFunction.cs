using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Runs a user's chain over the rows of a batch. One thread at a time.</summary>
internal sealed class ChainRowFunction : IDisposable
{
    private readonly DataViewSchema _schema;
    private readonly HashSet<string> _inputs;
    private readonly HashSet<string> _nullable;
    private readonly RowState _state = new();
    private readonly InputRow _input;
    private readonly DataViewRow _output;
    private readonly ModelManifest _manifest;
    private readonly List<ChainColumn> _columns = [];
    private readonly Apache.Arrow.Schema? _result;
    private readonly ValueGetter<float>? _score;
    private readonly ValueGetter<VBuffer<float>>? _scores;
    private VBuffer<float> _last;
    private readonly ColumnSlot[] _slots;

    internal ChainRowFunction(ITransformer chain, DataViewSchema schema, ModelManifest manifest)
    {
        _schema = schema;
        _manifest = manifest;
        _inputs = manifest.Inputs.Select(i => i.Name).ToHashSet(StringComparer.Ordinal);
        _nullable = manifest.Inputs.Where(i => i.Nullable).Select(i => i.Name).ToHashSet(StringComparer.Ordinal);
        _slots = [.. schema.Select(c => ColumnSlot.Create(c.Type))];
        _input = new InputRow(schema, c => _slots[c.Index].Getter(_state));
        var mapper = chain.GetRowToRowMapper(schema);
        if (manifest.Settings.TryGetValue(MLNetModels.ScoreSetting, out var name))
        {
            var score = mapper.OutputSchema[name];
            _output = mapper.GetRow(_input, [score]);
            _score = score.Type is VectorDataViewType ? null : _output.GetGetter<float>(score);
            _scores = score.Type is VectorDataViewType ? _output.GetGetter<VBuffer<float>>(score) : null;
            return;
        }

        var outputs = manifest.Outputs.Select(o => mapper.OutputSchema[o.Name]).ToList();
        _output = mapper.GetRow(_input, outputs);
        var fields = new List<Field>();
        foreach (var column in outputs)
        {
            var collector = ChainColumn.Create(_output, column)
                ?? throw new GristmillException(ErrorCodes.ModelFormat, $"The chain's output '{column.Name}' is {column.Type}, which cannot be handed out.");
            _columns.Add(collector);
            fields.Add(new Field(column.Name, collector.Type, nullable: column.Type is KeyDataViewType));
        }

        _result = new Apache.Arrow.Schema(fields, null);
    }

    internal RecordBatch Predict(RecordBatch rows)
    {
        using var readers = new Readers();
        for (var i = 0; i < _schema.Count; i++)
        {
            var column = _schema[i];
            _slots[i].Reader = _inputs.Contains(column.Name) && !column.IsHidden ? readers.Add(Reader(rows, column)) : null;
        }

        if (_result is null)
        {
            return Score(rows.Length);
        }

        for (var row = 0; row < rows.Length; row++)
        {
            _state.Row = row;
            _input.Move();
            foreach (var column in _columns)
            {
                column.Append();
            }
        }

        return new RecordBatch(_result, [.. _columns.Select(c => c.Take())], rows.Length);
    }

    public void Dispose() => _output.Dispose();

    private RecordBatch Score(int rows)
    {
        var perRow = PredictionOutput.ScoresPerRow(_manifest);
        var scores = new float[rows * perRow];
        for (var row = 0; row < rows; row++)
        {
            _state.Row = row;
            _input.Move();
            if (_score is not null)
            {
                _score(ref scores[row]);
            }
            else
            {
                _scores!(ref _last);
                _last.CopyTo(scores.AsSpan(row * perRow, perRow));
            }
        }

        return PredictionOutput.Build(_manifest, scores, rows);
    }

    private ColumnReader Reader(RecordBatch rows, DataViewSchema.Column column)
    {
        for (var i = 0; i < rows.ColumnCount; i++)
        {
            var field = rows.Schema.FieldsList[i];
            if (field.Name == column.Name)
            {
                var array = rows.Column(i);
                DictionaryValues? dictionary = null;
                if (array is DictionaryArray coded)
                {
                    dictionary = new DictionaryValues();
                    dictionary.Add(coded.Dictionary);
                }

                if (column.Type is NumberDataViewType or BooleanDataViewType && !_nullable.Contains(column.Name))
                {
                    RefuseNulls(array, column.Name);
                }

                if (column.Type is NumberDataViewType && NumberFit.IsNumeric(array))
                {
                    array = ToTypeOf(column, array);
                }

                var reader = ReaderFactory.Create(field.Name, array.Data.DataType, column.Type, dictionary);
                reader.Bind(array);
                return reader;
            }
        }

        throw new GristmillException(ErrorCodes.UnknownColumn, $"Column '{column.Name}' is missing.",
            $"There are {string.Join(", ", rows.Schema.FieldsList.Select(f => f.Name))}.").With("column", column.Name);
    }

    // ML.NET's integers and booleans have no missing value, and a reader would give 0 for it.
    private static void RefuseNulls(IArrowArray array, string name)
    {
        for (var i = 0; array.NullCount != 0 && i < array.Length; i++)
        {
            if (array.IsNull(i))
            {
                throw new GristmillException(ErrorCodes.BadValue, $"Row {i}: '{name}' is null.", "The model has nothing to put in its place: send a value.")
                    .With("column", name).With("row", i.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>The numbers in the chain's own type: a reader of another would cut and clamp them without a word.</summary>
    private static IArrowArray ToTypeOf(DataViewSchema.Column column, IArrowArray array) => ChainColumn.ArrowType(column.Type) switch
    {
        var type when type?.TypeId == array.Data.DataType.TypeId => array,
        FloatType => Convert<float>(column, array),
        DoubleType => Convert<double>(column, array),
        Int8Type => Convert<sbyte>(column, array),
        UInt8Type => Convert<byte>(column, array),
        Int16Type => Convert<short>(column, array),
        UInt16Type => Convert<ushort>(column, array),
        Int32Type => Convert<int>(column, array),
        UInt32Type => Convert<uint>(column, array),
        Int64Type => Convert<long>(column, array),
        UInt64Type => Convert<ulong>(column, array),
        _ => array,
    };

    private static IArrowArray Convert<T>(DataViewSchema.Column column, IArrowArray array)
        where T : unmanaged, INumber<T>
    {
        var values = new T[array.Length];
        NumberFit.Convert<T>(array, column.Name, 0, 1, values);
        for (var i = 0; array.NullCount != 0 && i < array.Length; i++)
        {
            if (array.IsNull(i))
            {
                // Only floats are nullable, and this is how they miss a value.
                values[i] = T.CreateSaturating(double.NaN);
            }
        }

        var bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        Gristmill.Objects.CopyCounter.Add("mlnet", bytes.Length);
        return ArrowArrayFactory.BuildArray(new ArrayData(ChainColumn.ArrowType(column.Type)!, values.Length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(bytes)]));
    }

    /// <summary>Disposes readers, and counts what they decoded.</summary>
    private sealed class Readers : IDisposable
    {
        private readonly List<ColumnReader> _all = [];

        internal ColumnReader Add(ColumnReader reader)
        {
            _all.Add(reader);
            return reader;
        }

        public void Dispose()
        {
            foreach (var reader in _all)
            {
                Gristmill.Objects.CopyCounter.Add("mlnet", reader.Copied);
                reader.Dispose();
            }
        }
    }
}

/// <summary>An input column whose reader changes with each batch; without one, such as the label's, it gives missing values.</summary>
internal abstract class ColumnSlot
{
    internal ColumnReader? Reader { get; set; }

    internal abstract Delegate Getter(RowState state);

    internal static ColumnSlot Create(DataViewType type) =>
        (ColumnSlot)Activator.CreateInstance(typeof(Of<>).MakeGenericType(type.RawType))!;

    private sealed class Of<T> : ColumnSlot
    {
        internal override Delegate Getter(RowState state) => (ValueGetter<T>)((ref T value) =>
        {
            if (Reader is ColumnReader<T> reader)
            {
                reader.Read(state.Row, ref value);
            }
            else
            {
                value = default!;
            }
        });
    }
}
