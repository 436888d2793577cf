using Apache.Arrow.Ipc;
using Gristmill.Data.Execution;
using Gristmill.Data.Planning;
using Gristmill.Data.Sources;
using Gristmill.Data.Writing.Avro;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Writing;

/// <summary>Flows that end as files.</summary>
internal static class FileSink
{
    private const int DiskFull = 28; // ENOSPC, which .NET puts in the low bits

    /// <summary>Lets DuckDB write; what it reads is part of the same query.</summary>
    public static Task<FlowResult> CopyAsync(DataFlow flow, string path, FileFormat format, FileWriteOptions options, CancellationToken cancellationToken)
    {
        var full = FileSet.Full(path, flow.Options.BaseDirectory);
        var copy = CopyOptions.Of(format, options, full);
        return FlowRunner.RunAsync(flow, (run, compiler) =>
        {
            using var target = options.PartitionBy.Count > 0 ? WriteTarget.Folder(full, options.Overwrite) : WriteTarget.File(full, options.Overwrite);
            if (options.PartitionBy.Count > 0)
            {
                Directory.CreateDirectory(target.Path);
            }

            var unit = new SqlUnit(run, compiler, flow.Node);
            var missing = options.PartitionBy.FirstOrDefault(name => unit.Schema.FieldsList.All(field => field.Name != name));
            if (missing is not null)
            {
                throw new GristmillException(ErrorCodes.UnknownColumn, $"There is no column '{missing}' to name folders by.",
                    $"The columns are {string.Join(", ", unit.Schema.FieldsList.Select(static field => field.Name))}.").With("column", missing);
            }

            using (var statement = unit.Prepare(text => $"copy (\n{text}\n) to {QueryText.Literal(target.Path)} ({copy})"))
            {
                run.Progress.Advance(SqlScalars.Number(statement, run.Token), 0);
            }

            unit.FinishFiles();
            run.ThrowIfFailed();
            target.Commit();
            return new FlowResult(full, run.Progress.Complete());
        }, writesSql: true, cancellationToken);
    }

    /// <summary>Writes an Arrow IPC file, a batch a block.</summary>
    public static Task<FlowResult> ArrowAsync(DataFlow flow, string path, FileWriteOptions options, CancellationToken cancellationToken)
    {
        if (options.PartitionBy.Count > 0 || options.Compression is not null)
        {
            throw new GristmillException(ErrorCodes.Invalid, "Arrow files are written as one file, without compression.", "Leave PartitionBy and Compression out, or write Parquet.");
        }

        return InBlocksAsync(flow, path, options, static (run, stage, file) =>
        {
            using var writer = new ArrowFileWriter(file, stage.Schema);
            writer.WriteStart();
            run.Drain(stage, block => writer.WriteRecordBatch(block.Batch));
            writer.WriteEnd();
        }, cancellationToken);
    }

    /// <summary>Writes an Avro container file.</summary>
    public static Task<FlowResult> AvroAsync(DataFlow flow, string path, FileWriteOptions options, CancellationToken cancellationToken)
    {
        if (options.PartitionBy.Count > 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, "Avro files are written as one file.", "Leave PartitionBy out, or write Parquet.");
        }

        var codec = CopyOptions.Avro(options);
        return InBlocksAsync(flow, path, options, (run, stage, file) =>
        {
            using var writer = new AvroFileWriter(file, stage.Schema, codec);
            run.Drain(stage, block => writer.Write(block.Batch));
            writer.End();
        }, cancellationToken);
    }

    private static Task<FlowResult> InBlocksAsync(DataFlow flow, string path, FileWriteOptions options, Action<FlowRun, Stage, FileStream> write, CancellationToken cancellationToken)
    {
        var full = FileSet.Full(path, flow.Options.BaseDirectory);
        return FlowRunner.RunAsync(flow, (run, compiler) =>
        {
            using var target = WriteTarget.File(full, options.Overwrite);
            try
            {
                var stage = compiler.Stage(flow.Node);
                using (var file = new FileStream(target.Path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
                {
                    write(run, stage, file);
                }

                target.Commit();
            }
            catch (IOException e) when ((e.HResult & 0xFFFF) == DiskFull)
            {
                throw new GristmillException(ErrorCodes.StoreFull, $"The disk is full: '{full}' cannot be written.", "Free some space there.", e).With("file", full);
            }

            return new FlowResult(full, run.Progress.Complete());
        }, writesSql: false, cancellationToken);
    }
}
