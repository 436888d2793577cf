using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

public sealed partial class FeatureEncoder
{
    /// <summary>Reads features.json.</summary>
    /// <exception cref="GristmillException">model.format, with what is wrong.</exception>
    public static FeatureEncoder Load(ReadOnlySpan<byte> json)
    {
        try
        {
            using (var document = JsonDocument.Parse(json.ToArray()))
            {
                // Before anything else: a newer format may have members this version does not know.
                var format = document.RootElement.GetProperty("format").GetInt32();
                if (format is < 1 or > FittedFile.Newest)
                {
                    throw new GristmillException(ErrorCodes.ModelFormat, $"features.json is of format {format}; this version reads up to {FittedFile.Newest}.",
                        "Upgrade Gristmill, or fit the model again.");
                }
            }

            var file = JsonSerializer.Deserialize<FittedFile>(json, StageJson.Options) ?? throw new FormatException("it is null");
            ImmutableArray<InputColumn> columns = [.. file.Inputs.Select(i => new InputColumn(i.Name, i.Type, i.Precision))];
            var indexes = columns.Select((c, i) => (c.Name, i)).ToDictionary(e => e.Name, e => e.i, StringComparer.Ordinal);
            var transforms = ImmutableArray.CreateBuilder<Transform>();
            foreach (var fitted in file.Transforms)
            {
                var spec = fitted.ToSpec();
                TransformFactory.Check(spec);
                ImmutableArray<int> inputs = [.. fitted.Columns.Select(c => indexes[c])];
                foreach (var input in inputs)
                {
                    TransformFactory.CheckType(spec, columns[input]);
                }

                transforms.Add(TransformFactory.Load(fitted, inputs, columns));
            }

            return new FeatureEncoder(columns, transforms.ToImmutable(), file.Label is null ? null : LabelEncoder.Load(file.Label));
        }
        catch (Exception e) when (e is not GristmillException { Code: ErrorCodes.ModelFormat } and
            (GristmillException or JsonException or FormatException or ArgumentException or KeyNotFoundException or InvalidOperationException
                or IndexOutOfRangeException or NullReferenceException or OverflowException))
        {
            // A default ImmutableArray or a missing number shows itself as one of these: the file does not hold what its kinds need.
            throw new GristmillException(ErrorCodes.ModelFormat, $"features.json is malformed: {e.Message}", "Take the package from its source again.", e);
        }
    }

    /// <summary>Writes features.json. Loading it gives an encoder with the same bits.</summary>
    public byte[] Save() => JsonSerializer.SerializeToUtf8Bytes(new FittedFile
    {
        Format = FittedFile.Newest,
        Inputs = [.. _columns.Select(c => new FittedInput(c.Name, c.Type) { Precision = c.Precision })],
        Transforms = [.. _transforms.Select(t => t.Save())],
        Label = Label?.Save(),
    }, StageJson.Options);
}
