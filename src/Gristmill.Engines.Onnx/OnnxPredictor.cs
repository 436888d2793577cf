using Apache.Arrow;
using Microsoft.ML.OnnxRuntime;

namespace Gristmill.Engines.Onnx;

/// <summary>Runs one session for any number of threads.</summary>
internal sealed class OnnxPredictor : IPredictor
{
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();
    private readonly string[] _inputs;
    private readonly NodeMetadata[] _nodes;
    private readonly string[] _outputs;
    private readonly string? _score;
    private readonly bool _packed;
    private readonly int _rowsPerRun;
    private readonly ReaderWriterLockSlim _life = new(LockRecursionPolicy.NoRecursion);
    private bool _disposed;

    internal OnnxPredictor(InferenceSession session, ModelManifest manifest)
    {
        _session = session;
        Manifest = manifest;
        _packed = manifest.Settings.ContainsKey(OnnxEngine.ColumnsSetting);
        _score = manifest.Settings.GetValueOrDefault(OnnxEngine.ScoreSetting);
        _inputs = [.. session.InputMetadata.Keys];
        _nodes = [.. session.InputMetadata.Values];
        _outputs = _score is null ? [.. manifest.Outputs.Select(o => o.Name)] : [_score];
        var known = _outputs.All(session.OutputMetadata.ContainsKey)
            && (_packed ? _inputs.Length == 1 : _inputs.ToHashSet(StringComparer.Ordinal).SetEquals(manifest.Inputs.Select(i => i.Name)));
        if (!known)
        {
            throw new GristmillException(ErrorCodes.ModelFormat, "The model's inputs and outputs are not those of its manifest.", "Import the model again.");
        }

        // One packed input is of floats; see OnnxEngine.Inputs.
        InputSchema = InputTypes.Schema(manifest, _packed ? null : name => OnnxTypes.ToArrow(session.InputMetadata[name].ElementDataType));

        // A model exported without a free batch dimension takes so many rows a run.
        _rowsPerRun = _nodes.Select(n => n.Dimensions is [> 0, ..] ? n.Dimensions[0] : 0).DefaultIfEmpty(0).Max();
    }

    /// <inheritdoc/>
    public ModelManifest Manifest { get; }

    /// <inheritdoc/>
    public Schema InputSchema { get; }

    /// <inheritdoc/>
    public RecordBatch Predict(RecordBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        _life.EnterReadLock();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var columns = Find(rows);
            var step = _rowsPerRun == 0 ? Math.Max(1, rows.Length) : _rowsPerRun;
            if (rows.Length % step != 0)
            {
                throw new GristmillException(ErrorCodes.BadValue, $"The model takes {step} rows at a time, {rows.Length} were given.",
                    "Export it with a free first dimension.");
            }

            var parts = new List<IArrowArray[]>();
            var scores = new List<float[]>();
            for (var start = 0; start < rows.Length; start += step)
            {
                Run(columns, start, step, parts, scores);
            }

            return _score is not null ? Score(scores, rows.Length) : Columns(parts, rows.Length);
        }
        catch (OnnxRuntimeException e)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"ONNX Runtime refused the rows: {OnnxSession.FirstLine(e.Message)}",
                "Compare the rows with the model's inputs.", e);
        }
        finally
        {
            _life.ExitReadLock();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _life.EnterWriteLock();
        try
        {
            if (!_disposed)
            {
                _disposed = true;
                _run.Dispose();
                _session.Dispose();
            }
        }
        finally
        {
            _life.ExitWriteLock();
        }
    }

    private List<(string Name, IArrowArray Column)> Find(RecordBatch rows)
    {
        var names = _packed ? Manifest.Inputs.Select(i => i.Name) : _inputs;
        var columns = new List<(string, IArrowArray)>();
        foreach (var name in names)
        {
            var index = -1;
            for (var i = 0; i < rows.ColumnCount && index < 0; i++)
            {
                index = rows.Schema.FieldsList[i].Name == name ? i : -1;
            }

            columns.Add(index >= 0 ? (name, rows.Column(index)) : throw new GristmillException(ErrorCodes.UnknownColumn, $"Column '{name}' is missing.",
                $"There are {string.Join(", ", rows.Schema.FieldsList.Select(f => f.Name))}.").With("column", name));
        }

        return columns;
    }

    private void Run(List<(string Name, IArrowArray Column)> columns, int start, int count, List<IArrowArray[]> parts, List<float[]> scores)
    {
        var owned = new List<IDisposable>();
        try
        {
            var part = columns.ConvertAll(c => (c.Name, Column: ArrowArrayFactory.Slice(c.Column, start, count)));
            OrtValue[] values = _packed
                ? [OnnxInput.Packed(part, start, count, owned)]
                : [.. part.Select((c, i) => OnnxInput.Of(c.Column, c.Name, start, _nodes[i], owned))];
            using var results = _session.Run(_run, _inputs, values, _outputs);
            if (_score is not null)
            {
                scores.Add(OnnxOutput.Floats(results[0]));
            }
            else
            {
                parts.Add([.. results.Select((r, i) => OnnxOutput.ToArrow(r, _outputs[i], count))]);
            }
        }
        finally
        {
            foreach (var value in owned)
            {
                value.Dispose();
            }
        }
    }

    private RecordBatch Score(List<float[]> scores, int rows)
    {
        var perRow = PredictionOutput.ScoresPerRow(Manifest);
        float[] all = scores is [var only] ? only : [.. scores.SelectMany(s => s)];
        if (Manifest.Task == ModelTask.Binary && all.Length == rows * 2)
        {
            // Two probabilities a row: of no and of yes.
            all = [.. Enumerable.Range(0, rows).Select(i => all[(2 * i) + 1])];
        }

        return all.Length == rows * perRow
            ? PredictionOutput.Build(Manifest, all, rows)
            : throw new GristmillException(ErrorCodes.ModelFormat, $"The model's output '{_score}' has {all.Length} numbers for {rows} rows, {perRow} a row were expected.",
                "Import it with another task, score or classes.");
    }

    private RecordBatch Columns(List<IArrowArray[]> parts, int rows)
    {
        var columns = _outputs.Select((_, i) => parts.Count switch
        {
            0 => Empty(Manifest.Outputs[i]),
            1 => parts[0][i],
            _ => ArrowArrayConcatenator.Concatenate([.. parts.Select(p => p[i])])!,
        }).ToList();
        return new RecordBatch(new Schema(_outputs.Select((name, i) => new Field(name, columns[i].Data.DataType, nullable: false)), null), columns, rows);
    }

    private static IArrowArray Empty(ColumnSignature column) => column.Type switch
    {
        ColumnType.String => new StringArray.Builder().Build(),
        ColumnType.Boolean => new BooleanArray.Builder().Build(),
        _ => new FloatArray.Builder().Build(),
    };
}
