using Apache.Arrow;
using Microsoft.ML;

namespace Gristmill.Engines.MLNet;

/// <summary>Predicts with a user's own estimator chain over raw columns.</summary>
internal sealed class MLNetChainPredictor : IPredictor
{
    private readonly RowFunctionPool<ChainRowFunction> _functions;
    private readonly ITransformer _chain;

    internal MLNetChainPredictor(ITransformer chain, DataViewSchema schema, ModelManifest manifest)
    {
        _chain = chain;
        Manifest = manifest;
        InputSchema = InputTypes.Schema(manifest, name => schema.GetColumnOrNull(name) is { } column ? ChainColumn.ArrowType(column.Type) : null);
        _functions = new RowFunctionPool<ChainRowFunction>(() => new ChainRowFunction(chain, schema, manifest));
        _functions.Return(_functions.Rent());
    }

    /// <inheritdoc/>
    public ModelManifest Manifest { get; }

    /// <inheritdoc/>
    public Apache.Arrow.Schema InputSchema { get; }

    /// <inheritdoc/>
    public RecordBatch Predict(RecordBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var function = _functions.Rent();
        RecordBatch result;
        try
        {
            result = function.Predict(rows);
        }
        catch
        {
            // Rows half collected must not show up in the next answer.
            function.Dispose();
            throw;
        }

        _functions.Return(function);
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _functions.Dispose();
        (_chain as IDisposable)?.Dispose();
    }
}
