using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>
/// A table as a user's stage method gets it: Arrow record batches that are views over shared memory, nothing is copied. The
/// host disposes it when the method returns: whoever keeps memory longer takes <see cref="ObjectLease.Share"/> of <see cref="Lease"/>.
/// </summary>
/// <param name="lease">The pin; disposed with this.</param>
public sealed class Dataset(ObjectLease lease) : IDisposable
{
    /// <summary>The pin that keeps the memory mapped; engines' bridges take it.</summary>
    public ObjectLease Lease { get; } = lease;

    /// <summary>The object.</summary>
    public ObjectRef Ref => Lease.Ref;

    /// <summary>Columns and their types.</summary>
    public Schema Schema => Lease.Schema;

    /// <summary>Rows of all batches.</summary>
    public long Rows => Lease.Ref.Rows;

    /// <summary>The record batches, in order; valid until this is disposed.</summary>
    public IReadOnlyList<RecordBatch> Batches => Lease.Batches;

    /// <summary>One column's arrays, one a batch.</summary>
    /// <param name="name">Column name; case matters.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.UnknownColumn"/>, naming the columns there are.</exception>
    public IEnumerable<IArrowArray> Column(string name)
    {
        var index = Schema.FieldsList.ToList().FindIndex(field => field.Name == name);
        return index >= 0
            ? Batches.Select(batch => batch.Column(index))
            : throw new GristmillException(ErrorCodes.UnknownColumn, $"The dataset has no column '{name}'.",
                $"It has: {string.Join(", ", Schema.FieldsList.Select(f => f.Name))}.").With("column", name);
    }

    /// <inheritdoc/>
    public void Dispose() => Lease.Dispose();
}
