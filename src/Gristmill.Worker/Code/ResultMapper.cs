using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Data;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Turns what a user's method returns into outputs, by the rules of <see cref="CodeCallOptions"/>.</summary>
internal static class ResultMapper
{
    /// <summary>Maps a result.</summary>
    /// <param name="value">What was returned, awaited.</param>
    /// <param name="type">Its declared type.</param>
    /// <param name="context">The attempt.</param>
    /// <param name="outputs">Names given by the options, or null.</param>
    /// <param name="cancellationToken">Ends the enumeration of batches.</param>
    public static async Task<StageOutputs> ToOutputsAsync(
        object? value, Type type, StageContext context, ImmutableArray<string>? outputs, CancellationToken cancellationToken)
    {
        if (type == typeof(void))
        {
            return new StageOutputs();
        }

        if (value is StageOutputs ready)
        {
            return ready;
        }

        var results = new StageOutputs();
        var items = value is ITuple tuple ? Items(tuple) : [value];
        var isTuple = value is ITuple;
        if (outputs is { } given && given.Length != items.Length)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{context.Request.Stage}' names {given.Length} outputs, but its method returns {items.Length}.", "Give one name a result.");
        }

        for (var at = 0; at < items.Length; at++)
        {
            var artifact = await ToArtifactAsync(items[at], context, cancellationToken).ConfigureAwait(false);
            results.Add(outputs?[at] ?? (isTuple ? string.Create(CultureInfo.InvariantCulture, $"item{at + 1}") : DefaultName(artifact)), artifact);
        }

        return results;
    }

    private static async Task<Artifact> ToArtifactAsync(object? value, StageContext context, CancellationToken cancellationToken) => value switch
    {
        null => throw Unfit("null", context),
        Artifact artifact => artifact,
        ObjectRef reference => Artifact.Of(reference),
        Dataset dataset => Artifact.Of(dataset.Ref),
        ModelRef model => Artifact.Of(model),
        ModelInput model => Artifact.Of(model.Ref),
        DataFlow flow => Artifact.Of(await flow.ToObjectAsync(context, cancellationToken).ConfigureAwait(false)),
        RecordBatch batch => Artifact.Of(Write([batch], context, cancellationToken)),
        IEnumerable<RecordBatch> batches => Artifact.Of(Write(batches, context, cancellationToken)),
        IAsyncEnumerable<RecordBatch> batches => Artifact.Of(await WriteAsync(batches, context, cancellationToken).ConfigureAwait(false)),
        FileRef file => Artifact.Of(file),
        FileInput file => Artifact.Of(file.Ref),
        FileInfo file => Artifact.Of(context.SaveFile(file.FullName)),
        _ when CodeResults.IsMetrics(value.GetType()) => Artifact.Of(Metrics(value) ?? throw Unfit(value.GetType().Name, context)),
        _ => Artifact.Of(Value(value, context)),
    };

    private static ValueRef Value(object value, StageContext context)
    {
        try
        {
#pragma warning disable CA1869 // A shared instance would keep the user's types, and so their assembly, alive.
            return ValueRef.Of(JsonSerializer.Serialize(value, value.GetType(), new JsonSerializerOptions(StageJson.Options)));
#pragma warning restore CA1869
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            throw Unfit($"{value.GetType().Name}, which JSON cannot hold ({e.Message})", context);
        }
    }

    private static ObjectRef Write(IEnumerable<RecordBatch> batches, StageContext context, CancellationToken cancellationToken)
    {
        ObjectWriter? writer = null;
        try
        {
            foreach (var batch in batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer ??= context.Objects.Create(batch.Schema);
                writer.Append(batch);
            }

            return writer?.Seal() ?? throw NoBatches(context);
        }
        finally
        {
            writer?.Dispose();
        }
    }

    private static async Task<ObjectRef> WriteAsync(IAsyncEnumerable<RecordBatch> batches, StageContext context, CancellationToken cancellationToken)
    {
        ObjectWriter? writer = null;
        try
        {
            await foreach (var batch in batches.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                writer ??= context.Objects.Create(batch.Schema);
                writer.Append(batch);
            }

            return writer?.Seal() ?? throw NoBatches(context);
        }
        finally
        {
            writer?.Dispose();
        }
    }

    private static ImmutableDictionary<string, double>? Metrics(object value)
    {
        if (Number(value) is { } single)
        {
            return ImmutableDictionary<string, double>.Empty.Add("value", single);
        }

        var metrics = ImmutableDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        if (value is IDictionary dictionary)
        {
            foreach (DictionaryEntry entry in dictionary)
            {
                if (entry.Key is not string name || Number(entry.Value) is not { } number)
                {
                    return null;
                }

                metrics[name] = number;
            }

            return metrics.ToImmutable();
        }

        foreach (var property in value.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public))
        {
            if (property.GetIndexParameters().Length > 0 || Number(property.GetValue(value)) is not { } number)
            {
                return null;
            }

            metrics[JsonNamingPolicy.CamelCase.ConvertName(property.Name)] = number;
        }

        return metrics.Count > 0 ? metrics.ToImmutable() : null;
    }

    private static double? Number(object? value) => value switch
    {
        double or float or int or long or short or byte or uint or ulong or ushort or sbyte or decimal or Half => Convert.ToDouble(value is Half half ? (float)half : value, CultureInfo.InvariantCulture),
        bool flag => flag ? 1 : 0,
        _ => null,
    };

    private static object?[] Items(ITuple tuple)
    {
        var items = new object?[tuple.Length];
        for (var at = 0; at < items.Length; at++)
        {
            items[at] = tuple[at];
        }

        return items;
    }

    private static string DefaultName(Artifact artifact) => artifact.Kind == ArtifactKind.Metrics ? "metrics" : "out";

    private static GristmillException Unfit(string what, StageContext context) =>
        new(ErrorCodes.TypeMismatch, $"Stage '{context.Request.Stage}' returned {what}, which is no stage output.",
            "Return ObjectRef, Dataset, DataFlow, RecordBatch, ModelRef, FileRef, numbers, text, a list or record that JSON can hold, or a tuple of these.");

    private static GristmillException NoBatches(StageContext context) =>
        new(ErrorCodes.BadValue, $"Stage '{context.Request.Stage}' returned no record batch, so its dataset has no schema.",
            "Return at least one batch; it may have no rows.");
}
