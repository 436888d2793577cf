using Gristmill.Data.Writing;
using Gristmill.Data.Writing.Postgres;

namespace Gristmill.Data;

public partial class DataFlow
{
    /// <summary>Writes a Parquet file, or a folder of them with <see cref="FileWriteOptions.PartitionBy"/>. It is there as a whole or not at all.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Ends it; nothing is left then.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: it is there already; <see cref="ErrorCodes.StoreFull"/>: the disk is full; and whatever reading fails with.</exception>
    public Task<FlowResult> WriteParquetAsync(string path, FileWriteOptions? options = null, CancellationToken cancellationToken = default) =>
        FileSink.CopyAsync(this, path, FileFormat.Parquet, options ?? new FileWriteOptions(), cancellationToken);

    /// <summary>Writes a CSV file, or a folder of them with <see cref="FileWriteOptions.PartitionBy"/>. It is there as a whole or not at all.</summary>
    /// <inheritdoc cref="WriteParquetAsync"/>
    public Task<FlowResult> WriteCsvAsync(string path, FileWriteOptions? options = null, CancellationToken cancellationToken = default) =>
        FileSink.CopyAsync(this, path, FileFormat.Csv, options ?? new FileWriteOptions(), cancellationToken);

    /// <summary>Writes a file of JSON objects, one a line, or a folder of them with <see cref="FileWriteOptions.PartitionBy"/>. It is there as a whole or not at all.</summary>
    /// <inheritdoc cref="WriteParquetAsync"/>
    public Task<FlowResult> WriteJsonLinesAsync(string path, FileWriteOptions? options = null, CancellationToken cancellationToken = default) =>
        FileSink.CopyAsync(this, path, FileFormat.JsonLines, options ?? new FileWriteOptions(), cancellationToken);

    /// <summary>Writes an Arrow IPC file, a record batch a block. It is there as a whole or not at all.</summary>
    /// <inheritdoc cref="WriteParquetAsync"/>
    public Task<FlowResult> WriteArrowAsync(string path, FileWriteOptions? options = null, CancellationToken cancellationToken = default) =>
        FileSink.ArrowAsync(this, path, options ?? new FileWriteOptions(), cancellationToken);

    /// <summary>
    /// Writes to a table of a PostgreSQL database by binary COPY, in one transaction: all rows are there or none. In a stage, give its context
    /// (<see cref="StageFlowExtensions.WritePostgresAsync"/>), so that rows are there once though the stage is executed again.
    /// </summary>
    /// <param name="connection">How it is reached.</param>
    /// <param name="table">The table's name, as it is: it is quoted. A table that is missing is made.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Ends it; the table is as before then.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Conflict"/>: the table is there already, or has a row with such a key; <see cref="ErrorCodes.UnknownColumn"/>, <see cref="ErrorCodes.TypeMismatch"/>:
    /// it is not for these columns; <see cref="ErrorCodes.BadValue"/>, naming column and row: a value that its type does not hold, or that a constraint refuses;
    /// <see cref="ErrorCodes.StoreFull"/>: the server's disk is full; <see cref="ErrorCodes.SourceUnavailable"/>: it is not reached, lets nobody in, or the connection broke off;
    /// <see cref="ErrorCodes.Sql"/>: it refuses for another reason; <see cref="ErrorCodes.SecretMissing"/>; and whatever reading fails with.
    /// </exception>
    public Task<FlowResult> WritePostgresAsync(PostgresConnection connection, string table, PostgresWriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(table);
        return PostgresSink.WriteAsync(this, connection, table, options ?? new PostgresWriteOptions(), null, cancellationToken);
    }

    /// <summary>Writes an Avro container file. Columns that may be null are unions with null. It is there as a whole or not at all.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Conflict"/>: it is there already; <see cref="ErrorCodes.StoreFull"/>: the disk is full; <see cref="ErrorCodes.Invalid"/>: a column has a name
    /// that Avro has not; <see cref="ErrorCodes.TypeMismatch"/>: a column has a type that it has not; and whatever reading fails with.
    /// </exception>
    /// <inheritdoc cref="WriteParquetAsync"/>
    public Task<FlowResult> WriteAvroAsync(string path, FileWriteOptions? options = null, CancellationToken cancellationToken = default) =>
        FileSink.AvroAsync(this, path, options ?? new FileWriteOptions(), cancellationToken);
}
