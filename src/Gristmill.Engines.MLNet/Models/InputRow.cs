using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>A row whose values are set from outside; transformers compute anew whenever its position moves.</summary>
/// <param name="schema">The model's input schema.</param>
/// <param name="getter">The getter of a column.</param>
internal sealed class InputRow(DataViewSchema schema, Func<DataViewSchema.Column, Delegate> getter) : DataViewRow
{
    private long _position = -1;

    public override DataViewSchema Schema => schema;

    public override long Position => _position;

    public override long Batch => 0;

    public override bool IsColumnActive(DataViewSchema.Column column) => true;

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        getter(column) as ValueGetter<TValue>
        ?? throw new InvalidOperationException($"Column '{column.Name}' does not give {typeof(TValue).Name}.");

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

    internal void Move() => _position++;
}
