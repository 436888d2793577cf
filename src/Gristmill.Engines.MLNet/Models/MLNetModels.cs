using System.Collections.Immutable;
using Gristmill.Objects;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Makes users' own ML.NET estimator chains models of the registry, as they stand.</summary>
public static class MLNetModels
{
    /// <summary>The setting that names the chain's column to take as score.</summary>
    internal const string ScoreSetting = "score";

    /// <summary>
    /// Saves a fitted chain with its raw input schema as a model package. A stage of your own returns what this returns,
    /// and the chain can be evaluated, registered and deployed like any model.
    /// </summary>
    /// <param name="content">Where packages go.</param>
    /// <param name="context">The ML.NET context that fitted the chain.</param>
    /// <param name="chain">The fitted chain: a row in, a row out.</param>
    /// <param name="inputSchema">Schema of the view it was fitted on.</param>
    /// <param name="label">The label column, which predictions do not need; null if there is none.</param>
    /// <param name="outputs">Output columns to hand out.</param>
    /// <param name="metrics">Metrics to keep with it.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>: the chain drops or adds rows; <see cref="ErrorCodes.UnknownColumn"/>: no such output;
    /// <see cref="ErrorCodes.TypeMismatch"/>: a column of a type that requests cannot carry.
    /// </exception>
    /// <remarks>
    /// Without <paramref name="outputs"/>, a chain that ends in a calibrated binary classifier, a multiclass classifier or
    /// a regression gives the columns of <see cref="PredictionOutput"/>, and evaluation stages can measure it. Any other
    /// chain gives the columns it adds, as they are. (ML.NET's own ONNX export is in a package this build does not take.)
    /// </remarks>
    public static ModelRef Save(
        ContentStore content, MLContext context, ITransformer chain, DataViewSchema inputSchema, string? label = null,
        IReadOnlyList<string>? outputs = null, ImmutableDictionary<string, double>? metrics = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(chain);
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (!chain.IsRowToRowMapper)
        {
            throw new GristmillException(ErrorCodes.Invalid, "The chain does not give a row for each row, so it cannot predict.",
                "Filter and shuffle rows before fitting, outside the chain.");
        }

        var mapper = chain.GetRowToRowMapper(inputSchema);
        var (task, score) = outputs is null ? TaskOf(mapper.OutputSchema) : (ModelTask.Tensor, null);
        List<DataViewSchema.Column> chosen = score is { } only ? [only] : Outputs(mapper.OutputSchema, inputSchema, outputs);
        var needed = mapper.GetDependencies(chosen).Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        var inputs = inputSchema.Where(c => !c.IsHidden && c.Name != label && needed.Contains(c.Name)).Select(c =>
            (ChainColumn.Signature(c.Name, c.Type)
                ?? throw new GristmillException(ErrorCodes.TypeMismatch, $"The chain's input '{c.Name}' is {c.Type}, which no request can carry.").With("column", c.Name))
            with
            { Nullable = c.Type.RawType == typeof(float) || c.Type.RawType == typeof(double) || c.Type is TextDataViewType });
        ImmutableArray<string> classes = task == ModelTask.Multiclass ? Classes(mapper.OutputSchema, score!.Value) : [];
        using var package = ModelPackage.Create(content);
        context.Model.Save(chain, inputSchema, Path.Combine(package.Folder, MLNetEngine.ModelFile));
        return package.Commit(new ModelManifest
        {
            Engine = MLNetEngine.Name,
            Task = task,
            Inputs = [.. inputs],
            Outputs = score is null
                ? [.. chosen.Select(c => ChainColumn.Signature(c.Name, c.Type)!)]
                : PredictionOutput.Columns(task, classes.Length),
            Label = label,
            Classes = classes,
            Settings = score is { } named
                ? ImmutableDictionary<string, string>.Empty.Add(ScoreSetting, named.Name)
                : ImmutableDictionary<string, string>.Empty,
            Metrics = metrics ?? ImmutableDictionary<string, double>.Empty,
            Provenance = ImmutableDictionary<string, string>.Empty
                .Add("microsoft.ml", typeof(MLContext).Assembly.GetName().Version?.ToString() ?? "")
                .Add("host", Environment.MachineName),
        });
    }

    private static List<DataViewSchema.Column> Outputs(DataViewSchema all, DataViewSchema inputs, IReadOnlyList<string>? asked)
    {
        if (asked is not null)
        {
            return [.. asked.Select(name => all.GetColumnOrNull(name) is not { } column
                ? throw new GristmillException(ErrorCodes.UnknownColumn, $"The chain has no output '{name}'.",
                    $"It has {string.Join(", ", all.Where(c => !c.IsHidden).Select(c => c.Name))}.").With("column", name)
                : ChainColumn.Signature(name, column.Type) is null
                    ? throw new GristmillException(ErrorCodes.TypeMismatch, $"The chain's output '{name}' is {column.Type}, which cannot be handed out.").With("column", name)
                    : column)];
        }

        List<DataViewSchema.Column> usual = [.. all.Where(c => !c.IsHidden && inputs.GetColumnOrNull(c.Name) is null && Fits(c))];
        return usual.Count > 0
            ? usual
            : throw new GristmillException(ErrorCodes.Invalid, "The chain adds no column that can be handed out.", "Name its outputs.");
    }

    private static bool Fits(DataViewSchema.Column column) => ChainColumn.Signature(column.Name, column.Type) is { } signature
        && signature.Shape is not [-1];

    /// <summary>What a chain predicts, by the columns ML.NET's trainers name alike, and the column that holds it.</summary>
    private static (ModelTask Task, DataViewSchema.Column? Score) TaskOf(DataViewSchema schema)
    {
        if (schema.GetColumnOrNull("Probability") is { Type.RawType: var raw } probability && raw == typeof(float))
        {
            return (ModelTask.Binary, probability);
        }

        var label = schema.GetColumnOrNull("PredictedLabel");
        return schema.GetColumnOrNull("Score") switch
        {
            { Type: VectorDataViewType { IsKnownSize: true, Size: > 1 } vector } score
                when vector.ItemType.RawType == typeof(float) && label is { Type: KeyDataViewType } && HasNames(label.Value) => (ModelTask.Multiclass, score),
            { Type.RawType: var number } score when number == typeof(float) && label is null => (ModelTask.Regression, score),
            _ => (ModelTask.Tensor, null),
        };
    }

    /// <summary>A classifier's keys have values; a clustering's are mere numbers.</summary>
    private static bool HasNames(DataViewSchema.Column label) => label.Annotations.Schema.GetColumnOrNull("KeyValues") is not null;

    private static ImmutableArray<string> Classes(DataViewSchema schema, DataViewSchema.Column score)
    {
        var label = schema["PredictedLabel"];
        var size = ((VectorDataViewType)score.Type).Size;
        if (label.Annotations.Schema["KeyValues"].Type is VectorDataViewType { ItemType: TextDataViewType })
        {
            VBuffer<ReadOnlyMemory<char>> names = default;
            label.Annotations.GetValue("KeyValues", ref names);
            if (names.Length == size)
            {
                return [.. names.DenseValues().Select(n => n.ToString())];
            }
        }

        return [.. Enumerable.Range(0, size).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture))];
    }
}
